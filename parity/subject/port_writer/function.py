"""The body of a function: statements that compute expressions, with names for layers and for what is used twice."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from parity.subject.port_writer.expression import ARRAY, DRAW, INPUT, L2, VARIABLE, Expression, is_number, leaves, walk
from parity.subject.port_writer.losses import DROPOUT
from parity.subject.port_writer.source import inside, text

WIDEST = 82  # of a part of a statement that has no name
WIDEST_SUM, TERM = 105, 40  # of what is returned, and of its terms that are named where it is wider
LOCALS = {
    "jax.nn.softmax": "probabilities",
    "dropout.apply": "dropped",
    "jax.nn.relu": "active",
    "mean": "mean",
    "sum": "total",
    ">=": "kept",
    "-": "difference",
    "/": "ratio",
    "+": "total",
    "*": "product",
    "@": "product",
    "jax.lax.rsqrt": "scale",
    "optax.softmax_cross_entropy": "entropy",
    "optax.softmax_cross_entropy_with_integer_labels": "entropy",
    "optax.sigmoid_binary_cross_entropy": "entropy",
}
FIRST = {INPUT: 0, ARRAY: 0, DRAW: 2}  # the order of parameters: data, then numbers, then draws


class Scope(NamedTuple):
    """How the leaves are called: weights and slots by their keys, inputs by their tensors."""

    weights: Mapping[str, str]
    inputs: Mapping[str, str]
    variables: Mapping[str, str]  # text of every variable: 'slots["global_step"]'
    arrays: Mapping[int, str]

    def leaf(self, one: Expression) -> str | None:
        if one.op == VARIABLE:
            return self.weights.get(one.value) or self.variables[one.value]
        if one.op in (INPUT, DRAW):
            return self.inputs[one.value]
        if one.op == ARRAY:
            return self.arrays[id(one)]
        return f'after["{one.value}"]' if one.op == "after" else None


class Body:
    """Of a function that computes `roots`; `given`: expressions that its caller hands over, by their names."""

    def __init__(
        self, scope: Scope, roots: Sequence[Expression], given: Mapping[int, str] | None = None, widest: int = WIDEST
    ):
        self.scope, self.roots, self.widest = scope, roots, widest
        self.names: dict[int, str] = dict(given or {})
        self.statements: list[str] = []
        self._walked = list(walk(*roots, seen=self.names))  # without what is handed over
        self._unpack()
        wanted = self._wanted()
        for one in self._walked:
            if id(one) not in self.names and not one.is_leaf and (id(one) in wanted or self._is_wide(one)):
                name = self._free(wanted.get(id(one)) or LOCALS.get(one.op, "part"))
                self.statements.append(f"{name} = {inside(one, self.called)}")
                self.names[id(one)] = name

    def text(self, one: Expression, name: str | None = None) -> str:
        """What stands for a root; `name`: give it one."""
        if name is not None and id(one) not in self.names and not one.is_leaf:
            self.statements.append(f"{name} = {inside(one, self.called)}")
            self.names[id(one)] = name
        return text(one, self.called)

    def called(self, one: Expression) -> str | None:
        return self.names.get(id(one)) or self.scope.leaf(one)

    def _unpack(self) -> None:
        own = [one.value for one in self._walked if one.op == VARIABLE and one.value in self.scope.weights]
        penalised = {p.value for one in self._walked if one.op == L2 and len(one.inputs) > 1 for p in one.inputs}
        used = [name for name in own if name not in penalised or self._multiplied(name)]
        rows: dict[str, list[str]] = {}
        for name in used:
            rows.setdefault(self.scope.weights[name].strip("wb"), []).append(name)
        for names in rows.values():
            names.sort(key=lambda name: self.scope.weights[name], reverse=True)
            left = ", ".join(self.scope.weights[name] for name in names)
            self.statements.append(f"{left} = {', '.join(self.scope.variables[name] for name in names)}")

    def _multiplied(self, name: str) -> bool:
        return any(p.value == name for one in self._walked if one.op != L2 for p in one.inputs if p.op == VARIABLE)

    def _wanted(self) -> dict[int, str]:
        """What gets a name, and which: what feeds a layer, and what is used more than once."""
        walked = self._walked
        uses: dict[int, int] = {}
        for one in walked:
            for part in one.inputs:
                uses[id(part)] = uses.get(id(part), 0) + 1
        found = {id(one): LOCALS.get(one.op, "part") for one in walked if uses.get(id(one), 0) > 1}
        for one in walked:
            if any(part.op == "jax.lax.rsqrt" for part in walk(one)) and not any(p.op == "@" for p in one.inputs):
                named = {"*": "scale", "+": "normalized"}.get(one.op)
                found |= {id(one): named} if named and id(one) in found else {}
            if one.op == "jax.lax.rsqrt" and one.inputs[0].op == "+" and not one.inputs[0].inputs[0].is_leaf:
                found[id(one.inputs[0].inputs[0])] = "variance"
            if one.op == DROPOUT and id(one.inputs[2]) in found:
                found[id(one.inputs[2])] = "rate"
            if one.op == "*" and one.inputs[1].op == L2 and len(one.inputs[1].inputs) > 1:
                found[id(one)] = "penalty"
            if one.op == "+" and is_number(one.inputs[1], 1) and id(one) in found and not one.shape:
                found[id(one)] = "count"
            if one.op == "-" and is_number(one.inputs[0], 1) and found.get(id(one)) == LOCALS["-"]:
                found[id(one)] = "rest"
        hidden = [one.inputs[0] for one in walked if one.op == "@" and any(p.op == "@" for p in walk(one.inputs[0]))]
        hidden = list({id(one): one for one in hidden}.values())
        for i, one in enumerate(hidden, 1):
            found[id(one)] = "hidden" if len(hidden) == 1 else f"hidden_{i}"
        return found

    def _is_wide(self, one: Expression) -> bool:
        """Whether its name makes room for what it is part of."""
        if one.op == L2 or any(one is root for root in self.roots):
            return False
        sums = [root for root in self.roots if root.op == "+" and any(one is part for part in root.inputs)]
        width = len(text(one, self.called))
        return width > self.widest or (width > TERM and any(len(text(root, self.called)) > WIDEST_SUM for root in sums))

    def _free(self, name: str) -> str:
        taken = {*self.names.values(), *self.scope.inputs.values(), *self.scope.weights.values()}
        return next(one for i in range(1, 99) if (one := name if i == 1 else f"{name}_{i}") not in taken)


def parameters(scope: Scope, *roots: Expression) -> list[str]:
    """The names of inputs and draws that expressions need, in the order in which they are met.

    Before them `slots`, where a variable is needed that is not trained, as the judge's by a maker that it judges.
    """
    untrained = any(scope.variables[one.value].startswith("slots[") for one in leaves(*roots) if one.op == VARIABLE)
    return list(dict.fromkeys([*["slots"] * untrained, *(name for one in handed(*roots) if (name := scope.leaf(one)))]))


def handed(*roots: Expression) -> list[Expression]:
    """The data, numbers and draws that expressions need, in the order of parameters."""
    met = [one for one in leaves(*roots) if one.op in FIRST]
    return sorted(met, key=lambda one: FIRST[one.op] + (one.op == INPUT and not one.shape))
