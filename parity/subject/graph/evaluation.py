"""Tensors of a graph, computed in JAX: pure, differentiable, and under `jax.jit` if the caller likes.

`evaluate` is all that most need; an `Evaluation` also knows what a step's writes make of the variables. Nodes are
computed in the order of their edges, without recursion. 64-bit numbers stay 64 bits wide, whatever JAX's switch says:
a step's `global_step` is int64.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from parity.errors import CannotCompare
from parity.oracle.py37.op_names import VARIABLES
from parity.subject.graph import conditions, loops
from parity.subject.graph.graph import Graph
from parity.subject.graph.kinds import (
    ASKS,
    BRANCHES,
    CALLS,
    ENTERS,
    EXITS,
    OVERWRITES,
    PASSES,
    SWITCHES,
    WHILES,
    given,
    lacking,
    resource,
    writes,
)
from parity.subject.graph.node import Node, maker, outlet, tensor_name
from parity.subject.graph.ops import OPS
from parity.subject.graph.order import Order
from parity.subject.graph.values import Dead, Value, Variable, constant, dtype
from parity.subject.graph.writes import written


def evaluate(
    graph: Graph, wanted: Iterable[str], known: Mapping[str, Any], variables: Mapping[str, Any] | None = None
) -> dict[str, jax.Array]:
    """Tensors by name, from others by name ("x:0": feeds, draws, what iterators hand out) and variables by theirs.

    An array of NumPy is taken for a constant, whose numbers shapes and predicates may depend on; a jax.Array for data.
    Raises `CannotCompare`, in one line with the op's type, name and line in the script, where that cannot be done.
    """
    names = list(wanted)
    with jax.enable_x64(True):
        found = Evaluation(graph, known, variables or {}).values(names)
        return dict(zip(names, map(jnp.asarray, found), strict=True))


class Evaluation:
    """Of one graph, from given tensors and variables, within `jax.enable_x64(True)`."""

    def __init__(
        self,
        graph: Graph,
        known: Mapping[str, Any],
        variables: Mapping[str, Any],
        order: Order | None = None,
        moved: Mapping[str, Any] | None = None,
    ):
        """`order`: of the writes that are executed. `moved`: by node, what is added to its output."""
        self.graph, self.variables, self.order = graph, variables, order or Order(graph)
        self.moved = moved or {}
        self.known = {tensor_name(name): value for name, value in known.items()}
        self.outputs: dict[str, tuple[Value, ...] | Dead] = {}
        self.written: dict[str, dict[str, Value]] = {}  # by writing node: new values by variable
        self.turns: dict[str, list[Evaluation]] = {}  # of while loops, by frame
        self.turning = False  # whether it is one itself

    def values(self, tensors: Iterable[str]) -> list[Value]:
        """Raises `CannotCompare` where one has none."""
        names = [tensor_name(name) for name in tensors]
        self._run([maker(name) for name in names if name not in self.known])
        return [self._alive(name) for name in names]

    def after(self, variable: str) -> Value:
        """What a variable holds once all writes are done."""
        chain = self.order.chains.get(variable, ())
        self._run(chain)
        return self._value(variable, chain[-1] if chain else None)

    def seen(self, node: str) -> dict[str, Value]:
        """By name, what an op that writes finds in the variables among its inputs."""
        self._run([node])
        read = dict.fromkeys(filter(None, map(self.graph.variable, self.graph.node(node).inputs)))
        return {name: self._value(name, self.order.last(name, node)) for name in read}

    def _alive(self, tensor: str) -> Value:
        value = self._tensor(tensor, None)
        if isinstance(value, Dead):
            raise CannotCompare(f"{self.graph.of(tensor).called} is not computed in this run: {value.why}")
        return self._value(value.name, None) if isinstance(value, Variable) else value

    def _run(self, nodes: Iterable[str]) -> None:
        """Depth first: a node is computed when it is met for the second time, after its inputs."""
        todo, opened = [*reversed(list(nodes))], set()
        while todo:
            name = todo[-1]
            if name not in self.outputs and name not in opened:
                opened.add(name)
                todo += [one for one in reversed(self._needs(self.graph.node(name))) if one not in self.outputs]
                continue
            todo.pop()
            if name not in self.outputs:
                self.outputs[name] = self._computed(self.graph.nodes[name])

    def _needs(self, node: Node) -> list[str]:
        if node.op in ENTERS or loops.is_turned(node, self.graph.node):
            raise CannotCompare(f"{node.called} lies inside a while loop; only what leaves one is known")
        decided = [self.graph.predicate(node)] if node.op == "Merge" else []
        names = [maker(tensor) for tensor in (*self._inputs(node), *decided) if tensor not in self.known]
        read = map(self.graph.variable, self._inputs(node))
        last = [self.order.last(name, node.name) for name in {*self.graph.targets(node), *read} if name is not None]
        return [*names, *(name for name in last if name is not None), *self.graph.pivots(node)]

    def _inputs(self, node: Node) -> tuple[str, ...]:
        """What it is computed from. Nothing where its outputs are given."""
        return () if given(node.op) and node.op != "PlaceholderWithDefault" else self.graph.inputs(node)

    def _tensor(self, name: str, reader: Node | None) -> Value:
        """As a node sees it: of a variable its value, unless the node only hands it on."""
        value = self.known[name] if name in self.known else self._outlet(name)
        return value if reader is None or _hands_on(reader) else self._dereferenced(value, reader)

    def _dereferenced(self, value: Value, reader: Node) -> Value:
        if not isinstance(value, Variable):
            return value
        return self._value(value.name, self.order.last(value.name, reader.name))

    def _outlet(self, name: str) -> Value:
        outputs, place = self.outputs[maker(name)], outlet(name)
        if isinstance(outputs, Dead):
            return outputs
        if place >= len(outputs) or outputs[place] is None:
            raise CannotCompare(f"{self.graph.of(name).called} gives no output {place} here, and it is needed")
        return outputs[place]

    def _value(self, variable: str, write: str | None) -> Value:
        if write is not None:
            return self.written[write][variable]
        if variable not in self.variables:
            raise CannotCompare(f"the variable {variable} is read, and its value is not given")
        return self.variables[variable]

    def _computed(self, node: Node) -> tuple[Value, ...] | Dead:
        try:
            found = self._output(node)
        except CannotCompare as error:
            told = str(error)
            raise type(error)(told if node.name in told else f"{node.called}: {told}") from None
        except (TypeError, ValueError, IndexError, KeyError, NotImplementedError) as error:
            raise CannotCompare(f"{node.called}: {(str(error) or repr(error)).splitlines()[0]}") from error
        return found if isinstance(found, tuple | Dead) else (found,)

    def _output(self, node: Node) -> Any:
        if node.op == "Const":
            return self._constant(node)
        if node.op in VARIABLES:
            return Variable(node.name)
        inputs = [self._tensor(name, node) for name in self._inputs(node)]
        if node.op == "Merge":
            return conditions.merge(self._tensor(self.graph.predicate(node), node), tuple(inputs))
        if dead := self._dead(node, inputs):
            return self._untouched(node, dead)
        if node.op in EXITS:
            loop = self.graph.loop(node)
            return loops.unrolled(loop, inputs, partial(self._turn, loop.frame))
        if node.op in WHILES:
            goes_on, turn = (partial(self._function, node.attributes[one]["function"]) for one in ("cond", "body"))
            return loops.repeated(inputs, goes_on, turn)
        if node.op in SWITCHES:
            return conditions.switch(inputs[0], self._dereferenced(inputs[1], node))
        if writes(node.op):
            return self._write(node, inputs)
        if given(node.op):
            return inputs[0] if inputs else self._lacking(node)
        if node.op in CALLS or node.op in BRANCHES:
            return self._called(node, inputs)
        return self._op(node, inputs)

    def _lacking(self, node: Node) -> Dead:
        if self.turning:
            raise CannotCompare(f"{node.called} lies inside a while loop, where what is drawn is not recorded")
        return Dead(f"{lacking(node.op)} has no {node.name}:0, which is {node.called}")

    def _constant(self, node: Node) -> np.ndarray:
        if node.name not in self.graph.constants:
            raise CannotCompare("its value is not in the recording")
        array = np.asarray(self.graph.constants[node.name])
        return array if array.dtype.kind in "SUO" else array.astype(dtype(node.attributes.get("dtype")), copy=False)

    def _dead(self, node: Node, inputs: list[Value]) -> Dead | None:
        kept = (value for name in self.graph.pivots(node) for value in self._pivot(name))
        return next((one for one in (*inputs, *kept) if isinstance(one, Dead)), None)

    def _pivot(self, name: str) -> tuple[Value, ...]:
        outputs = self.outputs[name]
        if isinstance(outputs, Dead):
            return (outputs,)
        return outputs if len(outputs) == 1 else ()  # of a Switch one output always lives

    def _untouched(self, node: Node, dead: Dead) -> Dead:
        """Nothing is written there."""
        names = self.graph.targets(node)
        self.written[node.name] = {name: self._value(name, self.order.last(name, node.name)) for name in names}
        return dead

    def _write(self, node: Node, inputs: list[Value]) -> Value:
        names = self.graph.targets(node)
        old = [self._previous(name, node) for name in names]
        values = [self._dereferenced(value, node) for value in inputs[len(names) :]]
        new = self._folded(written, node, [*old, *values])
        self.written[node.name] = dict(zip(names, new, strict=True))
        return () if resource(node.op) else Variable(names[0])

    def _previous(self, variable: str, node: Node) -> Value:
        if node.op in OVERWRITES and variable not in self.variables:
            return None
        return self._value(variable, self.order.last(variable, node.name))

    def _op(self, node: Node, inputs: list[Value]) -> Any:
        if node.op not in OPS:
            raise CannotCompare(f"{node.called}: this type of op is not known to parity/subject/graph/ops")
        found = self._folded(lambda one, values: OPS[one.op](one.attributes, *values), node, inputs)
        return found + self.moved[node.name] if node.name in self.moved else found

    def _folded(self, function: Any, node: Node, inputs: list[Value]) -> Any:
        """Of constants a constant: NumPy's."""
        if not constant(*inputs):
            return function(node, inputs)
        with jax.ensure_compile_time_eval(), np.errstate(all="ignore"):
            return jax.tree.map(np.asarray, function(node, inputs))

    def _called(self, node: Node, inputs: list[Value]) -> tuple[Value, ...]:
        if node.op in CALLS:
            return self._function(node.attributes["f"]["function"], inputs)
        predicate, *arguments = inputs
        names = [node.attributes[one]["function"] for one in ("else_branch", "then_branch")]
        if conditions.known(predicate):
            return self._function(names[int(np.asarray(predicate))], arguments)
        pair = zip(*(self._function(name, arguments) for name in names), strict=True)
        return tuple(conditions.chosen(predicate, *branches) for branches in pair)

    def _turn(self, frame: str, number: int, found: dict[str, Value]) -> "Evaluation":
        """One of a loop's, kept: another result of the loop may need the same."""
        turns = self.turns.setdefault(frame, [])
        if number == len(turns):
            turns.append(Evaluation(self.graph, self.known, self.variables, self.order))
            turns[-1].written, turns[-1].turning = self.written, True
        turns[number].known |= found
        return turns[number]

    def _function(self, name: str, inputs: Sequence[Value]) -> tuple[Value, ...]:
        graph, arguments, results = self.graph.function(name)
        inside = Evaluation(graph, dict(zip(arguments, inputs, strict=True)), self.variables)
        return tuple(inside.values(results))


def _hands_on(node: Node) -> bool:
    return node.op in PASSES | CALLS | BRANCHES | EXITS | WHILES | ASKS or writes(node.op)
