"""A program as the recorder counts it: all runs of one set of update ops of one graph, whatever session makes them."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any, Dict, List, Optional

import numpy as np
import tensorflow as tf

from .plan import Plan
from .variables import Read


class Program:
    """What has been seen of it so far."""

    def __init__(self, graph: tf.Graph, plan: Plan):
        self.graph, self.plan = graph, plan
        self.kinds: Dict[str, int] = Counter()
        self.sessions: List[int] = []  # runs in each
        self.losses: List[float] = []
        self.steps: List[int] = []
        self.feeds: Dict[str, None] = OrderedDict()
        self.variables: Dict[str, None] = OrderedDict()
        self.final: Dict[str, np.ndarray] = {}
        self.last: Any = None  # the session that trained it last, until it is closed
        self.read: Optional[Read] = None  # by that session

    @property
    def runs(self) -> int:
        """So far."""
        return len(self.losses)

    def starts(self, session: Any, kind: str, read: Read) -> None:
        """A further run begins."""
        if session is not self.last:
            self.sessions.append(0)
        self.last, self.read = session, read
        self.sessions[-1] += 1
        self.kinds[kind] += 1

    def told(self, graph: int) -> Dict[str, Any]:
        """As raw.json has it; `graph`: the number of its graph there."""
        plan = self.plan
        return {
            "graph": graph,
            "runs": self.runs,
            "kinds": dict(self.kinds),
            "sessions": self.sessions,
            "updates": plan.updates,
            "side": plan.side,
            "trainable": plan.trainable,
            "variables": list(self.variables) or list(plan.reads),
            "losses": plan.losses,
            "gradients": plan.gradients,
            "arriving": plan.arriving,
            "feeds": list(self.feeds),
            "steps": self.steps,
        }
