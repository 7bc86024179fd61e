"""Which order TensorFlow took in a recorded step, where its graph leaves one open.

Each race of two nodes ends one way or the other. The recording tells which: orders that are possible are evaluated,
tensor by tensor along the graph, until one gives what was recorded, of all tensors together. That takes few trials, for
each tensor adds few races to those that are decided already. Where no order gives it, as where a kernel read while
another wrote, nothing is claimed, and it is told how far the orders lead apart.
"""

import itertools
from collections.abc import Iterator, Mapping

import jax
import numpy as np

from parity.compare.limits import GRADIENT, LOSS, TINY
from parity.compare.recorded.applied import Applied
from parity.compare.recorded.limits import Spread, StepLimits
from parity.compare.recorded.orders import Ordered
from parity.compare.recorded.recording import Program, starts
from parity.compare.recorded.side import COUNTED
from parity.compare.tensor import Named
from parity.errors import CannotCompare
from parity.subject.graph.orders import InOrder, Orders, Turned
from parity.subject.graph.races import Pair

TRIALS = 400  # evaluations of one step
MOST_NEW = 10  # races that one tensor may add: 1024 orders
MOST_TURNED = 48  # races that are turned one by one, to see how far they lead
RELATIVE = {"loss": LOSS, "grads": GRADIENT, "arriving": GRADIENT, "weights": GRADIENT, "slots": COUNTED}

Decided = dict[Pair, bool]  # whether it is turned


def with_orders(orders: Orders, program: Program, sampled: Mapping[int, StepLimits]) -> dict[int, StepLimits]:
    """Every step's limits, with the orders that a step may take; or with how far they lead, where none was found."""
    if not orders.races.pairs:
        return dict(sampled)
    found: dict[int, StepLimits] = {}
    guess: Turned = frozenset()
    with jax.transfer_guard("allow"):
        for number, limits in sampled.items():
            search = Search(orders, program, number, limits)
            taken = search.taken(guess)
            guess = guess if taken is None else taken
            found[number] = search.reaching() if taken is None else search.ordered(taken)
    return found


class Search:
    """Of one recorded step."""

    def __init__(self, orders: Orders, program: Program, number: int, limits: StepLimits):
        self.orders, self.limits, self.one = orders, limits, program.trace.steps[number]
        self.ruled = {key: applied for applied in _ruled(program) for key in _moved(applied)}
        found = {key: self._deciding(key) for key in self.one.got if key.partition("/")[0] in RELATIVE}
        self.deciding = dict(sorted(((k, pairs) for k, pairs in found.items() if pairs), key=lambda one: len(one[1])))
        self.trials = 0
        self._last: InOrder | None = None

    def taken(self, guess: Turned) -> Turned | None:
        """The order that TensorFlow took; `guess`: what is tried first. None where none is found."""
        try:
            decided = self._extended({}, list(self.deciding), guess)
        except CannotCompare:  # an op of the graph's own backward pass that nobody evaluates
            return None
        return None if decided is None else self.orders.races.completed(decided)

    def ordered(self, taken: Turned) -> StepLimits:
        """With that order and those that somebody may write down, each by what sets it apart."""
        own = self._run(taken)
        right = {key: own.value(key) for key in self._told()}
        orders = [Ordered({}, self._seen(own))]
        for turned in self.orders.usual():
            run = self._run(turned)
            apart = {key: _less(run.value(key), array) for key, array in right.items()}
            orders.append(Ordered({k: a for k, a in apart.items() if a.any()}, self._seen(run)))
        return self.limits._replace(orders=tuple(orders))

    def reaching(self) -> StepLimits:
        """With the distance that the races, turned one by one, come to together."""
        keys = [key for key, pairs in self.deciding.items() if len(pairs) <= MOST_TURNED]
        try:
            reach = {f"race/{key}": Spread(self._reach(key), (), 0.0) for key in keys}
        except CannotCompare:
            reach = {}
        return self.limits._replace(spreads={**self.limits.spreads, **reach})

    def _reach(self, key: str) -> float:
        first = self._run(frozenset()).value(key)
        turned = (self.orders.races.completed({pair: True}) for pair in self.orders.deciding(key)[:MOST_TURNED])
        return sum(_norm(_less(self._run(one).value(key), first)) for one in turned)

    def _told(self) -> list[str]:
        """All that races, through its gradient too."""
        return [key for key in self.one.got if key.partition("/")[0] in RELATIVE and self.orders.deciding(key)]

    def _deciding(self, key: str) -> list[Pair]:
        applied = self.ruled.get(key)
        return self.orders.races.seen_by(applied.op) if applied else self.orders.deciding(key)

    def _extended(self, decided: Decided, keys: list[str], guess: Turned) -> Decided | None:
        """Depth first, a tensor after the other, over the ways in which its undecided races may end."""
        if not keys:
            return decided
        new = [pair for pair in self.deciding[keys[0]] if pair not in decided]
        for ends in _ways(new, guess) if len(new) <= MOST_NEW else ():
            tried = {**decided, **ends}
            possible = self.orders.races.possible(tried, {pair for pair, turned in tried.items() if turned})
            fits = possible and self._fits(keys[0], self.orders.races.completed(tried))
            found = self._extended(tried, keys[1:], guess) if fits else None
            if found is not None:
                return found
            if self.trials > TRIALS:
                return None
        return None

    def _fits(self, key: str, turned: Turned) -> bool:
        run, recorded = self._run(turned), self.one.got[key].array
        if applied := self.ruled.get(key):
            return self._follows(run, applied, key)
        value = run.value(key).astype(recorded.dtype)
        if recorded.dtype.kind != "f":
            return np.array_equal(value, recorded)
        spread = self.limits.spreads.get(key if not key.startswith("arriving/") else f"grads/{key[9:]}")
        allowed = RELATIVE[key.partition("/")[0]] * max(_norm(recorded), TINY)
        allowed += _norm(np.spacing(recorded)) + (spread.norm if spread else 0.0)
        return _norm(_less(value, recorded)) <= allowed

    def _follows(self, run: InOrder, applied: Applied, key: str) -> bool:
        """Whether the update's rule gives it, from what the update finds and from the recorded gradient."""
        start = Ordered({}, self._seen(run, [applied])).start(self.one, applied.op)
        made = applied.follow(start, self.one.got[f"arriving/{applied.variable}"].array)
        if made is None:
            return True  # as far as anybody can tell
        role, _, name = key.partition("/")
        right = made.weights if role == "weights" else made.slots[name]
        return right.ratio(self.one.got[key].array) <= 1

    def _seen(self, run: InOrder, updates: list[Applied] | None = None) -> dict[str, Named]:
        """By update what it finds in its variables, where that is not what the step starts with."""
        found = {}
        for applied in updates or list({one.op: one for one in self.ruled.values()}.values()):
            named = {self._key(name): array for name, array in run.seen(applied.op).items()}
            other = {k: a for k, a in named.items() if not np.array_equal(a, self.one.start[k].array)}
            found |= {applied.op: other} if other else {}
        return found

    def _key(self, variable: str) -> str:
        return next(key for role in ("weights", "slots") if (key := f"{role}/{variable}") in self.one.start)

    def _run(self, turned: Turned) -> InOrder:
        """The last one is kept: tensors of one order come one after the other."""
        if self._last is None or self._last.turned != turned:
            self.trials += 1
            self._last = self.orders.taken(turned, *starts(self.one).values())
        return self._last


def _ruled(program: Program) -> Iterator[Applied]:
    """Updates that the rules of `compare/rules` speak of, alone of their variables."""
    for variable in program.moved:
        applied = program.update_of(variable)
        if applied is not None and applied.kind is not None and applied.rows is None:
            yield applied


def _moved(applied: Applied) -> list[str]:
    return [f"weights/{applied.variable}", *(f"slots/{name}" for name in applied.slots)]


def _ways(pairs: list[Pair], guess: Turned) -> Iterator[Decided]:
    """Every way in which they may end: as guessed, then all alike, then by how many end otherwise than guessed."""
    likely = [tuple(pair in guess for pair in pairs), (False,) * len(pairs), (True,) * len(pairs)]
    rest = sorted(
        itertools.product((False, True), repeat=len(pairs)),
        key=lambda ends: sum(one != other for one, other in zip(ends, likely[0], strict=True)),
    )
    return (dict(zip(pairs, ends, strict=True)) for ends in dict.fromkeys([*likely, *rest]))


def _norm(array: np.ndarray) -> float:
    return float(np.linalg.norm(array.astype(np.float64)))


def _less(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The difference, in float64 first."""
    if one.dtype.kind != "f":
        return one - other
    return (one.astype(np.float64) - other.astype(np.float64)).astype(np.float32)
