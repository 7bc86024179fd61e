"""A program as the recorder counts it: all runs of one set of update ops of one graph, whatever session makes them."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any

import numpy as np
import tensorflow as tf

from .plan import Plan
from .rows import Rows
from .variables import Read


class Program:
    """What has been seen of it so far."""

    def __init__(self, graph: tf.Graph, plan: Plan):
        self.graph, self.plan = graph, plan
        self.kinds: dict[str, int] = Counter()
        self.sessions: list[int] = []  # runs in each
        self.losses: list[float] = []
        self.steps: list[int] = []
        self.feeds: dict[str, None] = OrderedDict()
        self.variables: dict[str, None] = OrderedDict()
        self.rows = Rows()  # what the first runs are given, where that is kept
        self.final: dict[str, np.ndarray] = {}
        self.last: Any = None  # the session that trained it last, until it is closed
        self.read: Read | None = None  # by that session

    @property
    def runs(self) -> int:
        """So far."""
        return len(self.losses)

    def starts(self, session: Any, read: Read) -> None:
        """A further run begins, which may fail: an iterator's end is an exception."""
        if session is not self.last:
            self.sessions.append(0)
        self.last, self.read = session, read

    def ends(self, kind: str, loss: float) -> None:
        """It did not fail; `loss` is NaN where nobody fetched it."""
        self.sessions[-1] += 1
        self.kinds[kind] += 1
        self.losses.append(loss)

    def told(self, graph: int | None) -> dict[str, Any]:
        """As raw.json has it; `graph`: the number of its graph there, None where no step is recorded."""
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
            "calls": plan.calls,
            "arriving": plan.arriving,
            "feeds": list(self.feeds),
            "steps": self.steps,
        }
