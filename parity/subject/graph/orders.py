"""One step of a racing graph in any of the orders that it leaves open, as TensorFlow itself may have taken it.

Here the gradient is not JAX's: the graph's own backward ops are evaluated, for each of them may have read a variable
before its update or after it. What `GraphStep` returns is still JAX's, and is held against this.
"""

from collections.abc import Collection, Iterable, Mapping

import jax
import jax.numpy as jnp
import numpy as np

from parity.errors import CannotCompare
from parity.subject.graph.evaluation import Evaluation
from parity.subject.graph.node import maker, tensor_name
from parity.subject.graph.races import Pair
from parity.subject.graph.step import Arrays, GraphStep

Turned = frozenset[Pair]  # pairs that come the other way about than a `GraphStep` takes them


class Orders:
    """Of a program's step; `arriving`: by variable the tensors that reach its updates, as raw.json has them.

    Tensors are named "role/name": loss/loss, grads/NAME, arriving/NAME, weights/NAME, slots/NAME.
    """

    def __init__(self, step: GraphStep, arriving: Mapping[str, str]):
        self.step, self.races = step, step.races
        self.losses = list(dict.fromkeys(tensor for call in step.calls for tensor in call.losses))
        grads = {name: tensor for call in reversed(step.calls) for name, tensor in call.gradients.items()}
        self.tensors = {f"grads/{name}": tensor_name(tensor) for name, tensor in grads.items()}
        self.tensors |= {f"arriving/{name}": tensor_name(tensor) for name, tensor in arriving.items()}
        self.sparse = {
            f"{role}/{name}" for call in step.calls for name in call.indices for role in ("grads", "arriving")
        }

    def deciding(self, key: str) -> list[Pair]:
        """The pairs whose order may decide a tensor; empty of one that does not race."""
        return self.races.deciding(self._nodes(key))

    @property
    def racing(self) -> dict[str, str]:
        """Every tensor that a step returns and that races, with the first of the races behind it, for a person."""
        roles = {"weights": self.step.weights, "slots": self.step.slots}
        keys = [f"{role}/{name}" for role, names in roles.items() for name in names]
        keys = ["loss/loss", *(key for key in self.tensors if key.startswith("grads/")), *keys]
        deciding = {key: self.deciding(key) for key in keys}
        return {key: self.races.told(pairs[0]) for key, pairs in deciding.items() if pairs}

    def seen_racing(self, updates: Iterable[str]) -> dict[str, str]:
        """The same of what update ops find in the variables that they take, as "seen/OP"."""
        deciding = {op: self.races.seen_by(op) for op in updates}
        return {f"seen/{op}": self.races.told(pairs[0]) for op, pairs in deciding.items() if pairs}

    def taken(
        self, turned: Collection[Pair], weights: Arrays, slots: Arrays, batch: Arrays, draws: Arrays
    ) -> "InOrder":
        """The step in that order, of which nothing is computed before it is asked for."""
        return InOrder(self, frozenset(turned), self.step.variables(weights, slots), {**batch, **draws})

    def usual(self) -> list[Turned]:
        """Orders that somebody may write down: reads first; reads that no raced write waits for last, of weights, of
        others, of both; and writes of one variable one after the other, each behind its own reads."""
        waiting = self.races.waiting()
        last = [pair for pair in self.races.pairs if pair.first not in waiting]
        weights = [
            pair for pair in last if self.step.graph.targets(self.step.graph.node(pair.then))[0] in self.step.weights
        ]
        others = [pair for pair in last if pair not in weights]
        found = [frozenset(some) for some in ((), weights, others, last)]
        found += [self._one_after_the_other(turned) for turned in ((), self.races.writes())]
        return [one for one in dict.fromkeys(found) if self.races.possible(self.races.pairs, one)]

    def _one_after_the_other(self, turned: Collection[Pair]) -> Turned:
        pairs = [pair[::-1] if pair in turned else tuple(pair) for pair in self.races.writes()]
        return frozenset([*turned, *(read for one, other in pairs for read in self.races.reads_for(one, other))])

    def _nodes(self, key: str) -> list[str]:
        role, _, name = key.partition("/")
        if role == "loss":
            return list(map(maker, map(tensor_name, self.losses)))
        if role in ("weights", "slots"):
            return list(self.step.order.chains.get(name, ()))
        return [maker(self.tensors[key])] if key in self.tensors else []


class InOrder:
    """One step in one order. NumPy's whole numbers stay constants, whose values shapes may depend on."""

    def __init__(self, orders: Orders, turned: Turned, variables: Arrays, given: Arrays):
        self.orders, self.turned = orders, turned
        data = {name: jnp.asarray(one) if np.asarray(one).dtype.kind == "f" else one for name, one in given.items()}
        self.run = Evaluation(orders.step.graph, data, variables, orders.races.ordered(turned))

    def value(self, key: str) -> np.ndarray:
        """Raises `CannotCompare` where it cannot be evaluated."""
        role, _, name = key.partition("/")
        if key in self.orders.sparse:
            raise CannotCompare(f"{key} is a sparse gradient that races, and its order is not looked for")
        with jax.enable_x64(True):
            if role == "loss":
                losses = self.run.values(self.orders.losses)
                return np.asarray(sum(jnp.sum(one) for one in losses))
            if role in ("weights", "slots"):
                return np.asarray(self.run.after(name))
            return np.asarray(self.run.values([self.orders.tensors[key]])[0])

    def seen(self, write: str) -> dict[str, np.ndarray]:
        """By variable, what an op that writes finds in those that it takes."""
        with jax.enable_x64(True):
            return {name: np.asarray(value) for name, value in self.run.seen(write).items()}
