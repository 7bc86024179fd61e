"""Decides for every run whether it trains and whether it is recorded, and keeps what is recorded."""

from __future__ import annotations

import threading
import time
import weakref
from collections import Counter, OrderedDict
from typing import Any, Callable, NamedTuple

import numpy as np
import tensorflow as tf

from . import variables
from .branches import Lives, fetchable
from .gradients import Gradients
from .order import Order
from .plan import Plan, planned
from .program import Program


class Run(NamedTuple):
    """One call as the script makes it, and what else can be asked along with it."""

    session: Any
    kind: str
    elements: list[Any]  # the tensors and ops that it asks for
    fed: frozenset[str]  # names of the fed tensors
    plain: Callable[[], Any]  # as the script asked
    extended: Callable[[list[Any]], Any]  # tensors -> (as the script asked, their values)
    evaluate: Callable[[list[Any]], list[Any]]  # tensors under the same feeds, in a run of their own
    feeds: Callable[[], dict[str, np.ndarray]]
    found: Callable[[Any, str], Any]  # of what the script gets, the value of the tensor of this name, or None
    read: Callable[[list[Any]], list[Any]]  # tensors in a run of their own that feeds nothing


class Recorder:
    """All programs of one process. `leave(status)` ends the process: a script's own handlers cannot catch that."""

    def __init__(self, order: Order, gradients: Gradients, notes: dict[str, int], leave: Callable[[str], None]):
        self.order, self.gradients, self.notes, self.leave = order, gradients, notes, leave
        self.started = time.time()
        self.lock = threading.RLock()  # held while a run is recorded
        self.plans: Any = weakref.WeakKeyDictionary()
        self.programs: dict[Any, Program] = OrderedDict()
        self.arrays: dict[str, np.ndarray] = OrderedDict()
        self.total = 0
        self.threads: dict[int, int] = Counter()

    def tell(self, note: str) -> None:
        """Once more."""
        self.notes[note] = self.notes.get(note, 0) + 1

    def around(self, run: Run) -> Any:
        """What the run gives the script."""
        plan = self._plan(run)
        if plan is None:
            return run.plain()
        self._stop_where_told()
        program = self._program(run, plan)
        program.starts(run.session, run.read)
        self.threads[threading.get_ident()] += 1
        step = program.runs
        known = not self.order.plain and self._number(program) < self.order.most_programs
        loss = float("nan")
        if known and step in self.order.steps:
            with self.lock:
                out = self._recorded(run, plan, program, step)
        elif known and step < self.order.train and not program.rows.full:
            with self.lock:
                out, loss = self._followed(run, plan, program, step)
        else:
            out = run.plain()
        program.ends(run.kind, _loss(run, plan, out) if loss != loss else loss)
        self.total += 1
        return out

    def closing(self, session: Any) -> None:
        """The last moment at which what a session holds can be read."""
        for program in self.programs.values():
            if program.last is session:
                self.finish(program)

    def finish(self, program: Program) -> None:
        """Reads the variables at the program's end, where its last session still is."""
        read, program.last, program.read = program.read, None, None
        if read is None:
            return
        try:
            program.final = variables.values(read, program.plan.reads, self.tell)
        except (RuntimeError, tf.errors.OpError) as error:
            self.tell("the variables at the end could not be read (" + type(error).__name__ + ")")

    def _plan(self, run: Run) -> Plan | None:
        graph = run.session.graph
        known = self.plans.setdefault(graph, {})
        key = frozenset((type(one) is tf.Operation, one.name) for one in run.elements), run.fed
        if key not in known:
            known[key] = planned(graph, run.elements, set(run.fed), self.gradients, self.tell)
        return known[key]

    def _stop_where_told(self) -> None:
        most, limit = self.order.max_steps, self.order.time_limit
        if most is not None and self.total >= most:
            self.leave("stopped at --max-steps")
        if limit is not None and time.time() - self.started > limit:
            self.leave("stopped at --time-limit")

    def _program(self, run: Run, plan: Plan) -> Program:
        key = run.session.graph, plan.key
        if key not in self.programs:
            self.programs[key] = Program(run.session.graph, plan)
        return self.programs[key]

    def _number(self, program: Program) -> int:
        return list(self.programs.values()).index(program)

    def _recorded(self, run: Run, plan: Plan, program: Program, step: int) -> Any:
        before = variables.values(run.read, plan.reads, self.tell)
        lives = Lives(run.evaluate, run.fed, self.tell)
        wanted = {key: one.tensor for key, one in plan.wanted.items() if lives.alive(one.guards)}
        with fetchable(list(wanted.values())):
            out, got = run.extended(list(wanted.values()))
        feeds = run.feeds()
        program.feeds.update((name, None) for name in feeds)
        program.variables.update((name, None) for name in plan.reads)
        parts = {"before": before, "after": variables.values(run.read, plan.reads, self.tell), "feed": feeds}
        for role, part in parts.items():
            self._keep(program, step, {role + "|" + name: value for name, value in part.items()})
        self._keep(program, step, dict(zip(wanted, got)))
        program.steps.append(step)
        return out

    def _followed(self, run: Run, plan: Plan, program: Program, step: int) -> tuple[Any, float]:
        """Keeps what the run is given, and nothing of what it changes."""
        lives = Lives(run.evaluate, run.fed, self.tell)
        asked = {key: one for key, one in plan.wanted.items() if key.startswith(("loss|", "draw|", "source|"))}
        wanted = {key: one.tensor for key, one in asked.items() if lives.alive(one.guards)}
        with fetchable(list(wanted.values())):
            out, got = run.extended(list(wanted.values()))
        losses = [np.sum(value) for key, value in zip(wanted, got) if key.startswith("loss|")]
        given = {key: np.array(value) for key, value in zip(wanted, got) if not key.startswith("loss|")}
        given.update(("feed|" + name, value) for name, value in run.feeds().items())
        for key, value in given.items():
            program.rows.keep(step, key, value)
        return out, float(np.sum(losses)) if losses else float("nan")

    def _keep(self, program: Program, step: int, named: dict[str, Any]) -> None:
        head = f"{self._number(program)}|{step}|"
        for key, value in named.items():
            self.arrays[head + key] = np.array(value)


def _loss(run: Run, plan: Plan, out: Any) -> float:
    value = run.found(out, plan.losses[0]) if plan.losses else None
    return float(value) if value is not None and np.size(value) == 1 else float("nan")
