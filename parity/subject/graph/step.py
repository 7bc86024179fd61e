"""A training step of a recorded program, in JAX: nobody has to write it.

The forward pass is the graph's, its gradient JAX's; what happens to the gradient before it arrives (clipping, decay),
the rates, and what is assigned beside the training, is the graph's again; the updates are `optimizers`'.
"""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from parity.compare.recorded.recording import Recording
from parity.errors import CannotCompare
from parity.subject.graph.evaluation import Evaluation
from parity.subject.graph.graph import Graph
from parity.subject.graph.node import tensor_name
from parity.subject.graph.order import Order
from parity.subject.graph.races import Races
from parity.subject.graph.slices import gathers, in_a_row
from parity.subject.graph.values import Traced, known

Arrays = Mapping[str, Any]
FLAGS, NUMBERS, TEXT = "b", "biu", "SUO"  # NumPy's kinds
KNOWN = (FLAGS, NUMBERS, "biu[]")  # what is known before it is compiled, one after the other; [] arrays too


class Call(NamedTuple):
    """One call of tf.gradients: what it differentiates, and its results by variable."""

    losses: tuple[str, ...]
    gradients: Mapping[str, str]
    weights: tuple[str | None, ...]  # what each loss is weighted by; None: by 1
    indices: Mapping[str, str] = {}  # of gradients that are tf.IndexedSlices; their values are the results

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Call":
        """As raw.json has it."""
        losses = tuple(told["losses"])
        weights = tuple(told.get("weights") or [None] * len(losses))
        return cls(losses, told["gradients"], weights, told.get("indices") or {})


class Forward(NamedTuple):
    """loss: a scalar; grads: by variable; tensors: the same as tf.gradients gives them, by tensor, sparse ones as their
    rows; seen: what else was asked for."""

    loss: jax.Array
    grads: dict[str, jax.Array]
    tensors: dict[str, jax.Array]
    seen: dict[str, jax.Array]


class GraphStep:
    """Of one program of a recording, as raw.json describes it, and its graph.

    Called: (weights, slots, batch, draws), dicts of arrays by TensorFlow's names -> a dict with "grads", "weights",
    "slots" and "loss" (not where the script has none: no call of tf.gradients). Pure, and may be jitted; what it gives
    feeds the next step. `weights` are the variables that the updates train, `slots` all others. Raises `CannotCompare`
    in one line for what it cannot do.
    """

    def __init__(self, graph: Graph, program: Mapping[str, Any]):
        self.graph = graph
        self.writes = [one["op"] for one in (*program["updates"], *program["side"])]
        trained = {one["variable"] for one in program["updates"]}
        self.weights = [name for name in program["variables"] if name in trained]
        self.slots = [name for name in program["variables"] if name not in trained]
        self.calls = [Call.of(one) for one in program.get("calls") or [program]]
        self.calls = [one for one in self.calls if one.losses and one.gradients]
        self.slices = {
            tensor: gathers(graph, name, tensor)
            for one in self.calls
            for name, tensor in one.gradients.items()
            if name in one.indices
        }
        self.known = FLAGS
        self._made: dict[Any, Any] = {}
        for name in self.writes:
            graph.targets(graph.node(name))  # raises where it is none

    @classmethod
    def of(cls, recording: Recording, number: int) -> "GraphStep":
        """Of a recording's program."""
        program = recording.programs[number]
        return cls(Graph.recorded(recording.graphs[program.graph]), program.fields)

    def __call__(self, weights: Arrays, slots: Arrays, batch: Arrays, draws: Arrays) -> dict[str, Any]:
        """One step."""
        return self._run(self._step, weights, slots, {**batch, **draws})

    @cached_property
    def order(self) -> Order:
        """Of what one step writes: reads that race with a write come first."""
        return Order(self.graph, self.writes)

    @cached_property
    def races(self) -> Races:
        """What no edge of the graph orders."""
        outputs = [tensor for call in self.calls for tensor in (*call.losses, *call.gradients.values())]
        return Races(self.order, map(tensor_name, outputs))

    def forward(
        self, weights: Arrays, slots: Arrays, batch: Arrays, draws: Arrays, wanted: Iterable[str] = ()
    ) -> Forward:
        """Loss and gradients alone, and other tensors by name: what `jax.make_jaxpr` traces."""
        return self._run(partial(self._forward, wanted=tuple(wanted)), weights, slots, {**batch, **draws})

    def with_logits(self, name: str | None) -> Callable[..., dict[str, Any]]:
        """The step, returning also the tensor of that name as "logits"."""

        def both(weights: Arrays, slots: Arrays, batch: Arrays, draws: Arrays) -> dict[str, Any]:
            made = self(weights, slots, batch, draws)
            return {**made, "logits": self.forward(weights, slots, batch, draws, (name,)).seen[name]} if name else made

        return both

    def _run(self, function: Any, weights: Arrays, slots: Arrays, given: Arrays) -> Any:
        """Compiled once for each set of known flags. Whole numbers are known only where a shape depends on them."""
        with jax.enable_x64(True):
            variables = self.variables(weights, slots)
            for kinds in KNOWN[KNOWN.index(self.known) : -1]:
                self.known = kinds
                with contextlib.suppress(Traced):
                    return self._compiled(function, variables, given, kinds)
            self.known = KNOWN[-1]
            return self._compiled(function, variables, given, self.known)

    def _compiled(self, function: Any, variables: Arrays, given: Arrays, kinds: str) -> Any:
        fixed = {name: np.asarray(value) for name, value in given.items() if is_known(value, kinds)}
        data = {name: jnp.asarray(value) for name, value in given.items() if name not in fixed}
        called = tuple(getattr(function, "keywords", {}).items())
        key = (called, *((name, str(value.dtype), value.tobytes(), value.shape) for name, value in fixed.items()))
        if key not in self._made:
            self._made[key] = jax.jit(lambda variables, data: function(variables, {**data, **fixed}))
        return self._made[key](variables, data)

    def _step(self, variables: Arrays, given: Arrays) -> dict[str, Any]:
        forward = self._forward(variables, given)
        run = Evaluation(self.graph, {**given, **forward.tensors}, variables, self.order)
        after = {name: jnp.asarray(run.after(name)) for name in variables}
        made = {
            "grads": forward.grads,
            "weights": {name: after[name] for name in self.weights},
            "slots": {name: after[name] for name in after if name not in self.weights},
        }
        return {"loss": forward.loss, **made} if self.calls else made

    def _forward(self, variables: Arrays, given: Arrays, wanted: tuple[str, ...] = ()) -> Forward:
        losses, grads, tensors, seen = {}, {}, {}, {}
        for call in self.calls:
            own = {name: variables[name] for name in call.gradients}, self._nothing(call, variables, given)
            (found, rows), (its, seen) = jax.grad(self._loss, has_aux=True)(own, call, variables, given, wanted)
            losses, grads = {**losses, **its}, {**found, **grads}
            whole = {name: found[variable] for variable, name in call.gradients.items()}
            sliced = {name: in_a_row(rows, takers, whole[name]) for name, takers in self._sliced(call).items()}
            tensors |= {**whole, **sliced}
        total = sum(losses.values(), jnp.zeros((), jnp.result_type(*losses.values()) if losses else jnp.float32))
        return Forward(total, grads, tensors, seen if self.calls else self._seen(variables, given, wanted))

    def _loss(self, own: Any, call: Call, variables: Arrays, given: Arrays, wanted: tuple[str, ...]) -> Any:
        """What is differentiated; beside it the losses themselves, by name."""
        run = Evaluation(self.graph, given, {**variables, **own[0]}, self.order, moved=own[1])
        values = run.values((*call.losses, *wanted))
        losses = dict(zip(call.losses, values, strict=False))
        sums = (jnp.sum(_weighted(run, *pair)) for pair in zip(losses.values(), call.weights, strict=True))
        seen = dict(zip(wanted, values[len(call.losses) :], strict=True))
        return sum(sums), ({name: jnp.sum(value) for name, value in losses.items()}, seen)

    def _nothing(self, call: Call, variables: Arrays, given: Arrays) -> dict[str, Any]:
        """By node zeros, to be added to the rows that it takes of a variable."""
        names = [name for one in self._sliced(call).values() for name in one]
        taken = Evaluation(self.graph, given, variables, self.order).values([f"{name}:0" for name in names])
        return {name: jnp.zeros_like(rows) for name, rows in zip(names, taken, strict=True)}

    def _sliced(self, call: Call) -> dict[str, list[str]]:
        """By tensor of a sparse gradient's values, the nodes that took its rows."""
        return {name: self.slices[name] for variable, name in call.gradients.items() if variable in call.indices}

    def _seen(self, variables: Arrays, given: Arrays, wanted: tuple[str, ...]) -> dict[str, Any]:
        return dict(zip(wanted, Evaluation(self.graph, given, variables, self.order).values(wanted), strict=True))

    def variables(self, weights: Arrays, slots: Arrays) -> dict[str, Any]:
        """All by name, in TensorFlow's dtypes. Raises `CannotCompare` where a weight is missing."""
        for name in (one for one in self.weights if one not in weights):
            raise CannotCompare(f"weights has no {name}; it must have {', '.join(self.weights)}")
        held = {**slots, **weights}
        return {name: _as_data(held[name], self._dtype(name)) for name in held}

    def _dtype(self, variable: str) -> np.dtype:
        return np.dtype(jnp.dtype(self.graph.node(variable).attributes["dtype"]))


def _weighted(run: Evaluation, loss: Any, weight: str | None) -> Any:
    return loss if weight is None else loss * jax.lax.stop_gradient(jnp.asarray(run.values([weight])[0]))


def _as_data(value: Any, dtype: np.dtype) -> jax.Array:
    """In TensorFlow's own dtype: a jitted caller makes int32 of the int64 global_step."""
    return jnp.asarray(value).astype(dtype)


def is_known(value: Any, kinds: str) -> bool:
    """One flag, or number, that is no data but says how to compute: a phase, a batch size. Text is no data either."""
    kind = np.asarray(value).dtype.kind if known(value) else ""
    return kind in TEXT or ((np.size(value) == 1 or "[]" in kinds) and kind in kinds) if kind else False
