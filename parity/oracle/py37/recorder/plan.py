"""What one kind of run does: which variables it moves, how, and which tensors of it a recording needs."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Callable, NamedTuple

import tensorflow as tf

from ..op_names import RANDOM, SOURCE, VARIABLES
from . import updates, variables
from .branches import Guards, guards
from .gradients import Asked, Gradients
from .op_types import FUNCTION, ancestors, in_order, variable_of

LOGITS = ("SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits")
UNRECORDED = (tf.resource, tf.variant)

Tell = Callable[[str], None]


class Wanted(NamedTuple):
    """A tensor, and the branches that a run must take to have it."""

    tensor: Any
    guards: Guards


class Plan(NamedTuple):
    """Of one kind of training run; `wanted` by "role|name" as raw.npz has it."""

    key: tuple  # the names of its update ops
    updates: list[dict[str, Any]]
    side: list[dict[str, Any]]
    trainable: list[str]
    reads: dict[str, Any]  # variable's name: a tensor that shows it
    losses: list[str]
    gradients: dict[str, str]
    calls: list[dict[str, Any]]  # of tf.gradients, each as `_called` tells it
    arriving: dict[str, str]
    wanted: dict[str, Wanted]


def planned(graph: tf.Graph, elements: list[Any], fed: set[str], asked: Gradients, tell: Tell) -> Plan | None:
    """None of a run that does not train. `elements`: the tensors and ops that it asks for; `fed`: tensors' names."""
    ops = ancestors(elements, fed)
    found = updates.find(graph, ops, fed)
    if not found.training:
        return None
    used = _variables(ops, found)
    trainable = {variable_of(one) for one in graph.get_collection("trainable_variables")}
    calls = _differentiated(graph, ancestors(found.training, fed), asked, tell)
    losses = list(OrderedDict((loss.name, loss) for call, _ in calls for loss in call.ys).values())
    gradients = {name: grad for _, found in calls for name, grad in found.items()}
    arriving, numbers = _inputs(found.training)
    tensors: dict[str, Any] = OrderedDict()
    tensors.update(("loss|" + loss.name, loss) for loss in losses)
    tensors.update(_logits(losses, fed))
    tensors.update(("gradient|" + name, _values(grad)) for name, grad in gradients.items())
    tensors.update(("indices|" + name, tensor) for name, tensor in _indices(gradients).items())
    tensors.update(("arriving|" + name, tensor) for name, tensor in arriving.items())
    tensors.update(("number|" + name, tensor) for name, tensor in numbers.items())
    tensors.update(_given(ops, tell))
    return Plan(
        tuple(op.name for op in found.training),
        [updates.described(op) for op in found.training],
        [{"op": op.name, "type": op.type, "variable": _name(variable_of(op.inputs[0]))} for op in found.side],
        [op.name for op in used if op in trainable],
        variables.reads(used, tell),
        [loss.name for loss in losses],
        {name: _values(grad).name for name, grad in gradients.items()},
        [_called(call, found) for call, found in calls],
        _names(arriving),
        _fetchable(tensors, fed, tell),
    )


def _variables(ops: set[tf.Operation], found: updates.Updates) -> list[tf.Operation]:
    written = [variable_of(op.inputs[0]) for op in [*found.training, *found.side]]
    return in_order({op for op in [*ops, *written] if op is not None and op.type in VARIABLES})


def _names(tensors: dict[str, Any]) -> dict[str, str]:
    return {name: tensor.name for name, tensor in tensors.items()}


def _name(variable: Any) -> str | None:
    return getattr(variable, "name", None)


def _differentiated(graph: tf.Graph, ops: set[tf.Operation], asked: Gradients, tell: Tell) -> Any:
    """Each call whose gradients reach the updates, and those gradients by the names of their variables."""
    calls, seen = [], set()
    for call in asked.reaching(graph, ops):
        found = {}
        for variable, grad in call.of_variables(ops).items():
            if variable in seen:
                tell("more than one gradient reaches this variable, the first is recorded: " + variable.name)
            else:
                seen.add(variable)
                found[variable.name] = grad
        calls.append((call, found))
    return calls


def _values(grad: Any) -> Any:
    """A gradient as it is, or the rows of one that is tf.IndexedSlices, as tf.gather gives it."""
    return grad.values if isinstance(grad, tf.IndexedSlices) else grad


def _indices(gradients: dict[str, Any]) -> dict[str, Any]:
    """Of those that are tf.IndexedSlices, which rows they speak of."""
    return {name: grad.indices for name, grad in gradients.items() if isinstance(grad, tf.IndexedSlices)}


def _called(call: Asked, found: dict[str, Any]) -> dict[str, Any]:
    """As raw.json tells it."""
    return {
        "losses": [one.name for one in call.ys],
        "weights": [None if one is None else getattr(one, "name", one) for one in call.weights],
        "gradients": {name: _values(grad).name for name, grad in found.items()},
        "indices": _names(_indices(found)),
    }


def _inputs(training: list[tf.Operation]) -> Any:
    """What reaches the updates: the changes by variable, and all other numbers by "op/argument"."""
    arriving, numbers = OrderedDict(), OrderedDict()
    for op in training:
        variable = variable_of(op.inputs[0])
        for argument, tensor in updates.computed(op).items():
            if argument in updates.ARRIVING and variable is not None:
                arriving[variable.name] = tensor
            elif not tensor.dtype._is_ref_dtype:
                numbers[op.name + "/" + argument] = tensor
    return arriving, numbers


def _logits(losses: list[Any], fed: set[str]) -> dict[str, Any]:
    behind = in_order(ancestors(losses, fed))
    features = [op.inputs[0] for op in behind if op.type in LOGITS]
    naive = [op.inputs[0] for op in behind if op.type == "Softmax"]
    return {"logits|" + tensor.name: tensor for tensor in features or naive}


def _given(ops: set[tf.Operation], tell: Tell) -> dict[str, Any]:
    """What no evaluation of the graph can know: what is drawn, and what iterators and queues hand out."""
    found = OrderedDict()
    for op in in_order(ops):
        role = "draw" if RANDOM.match(op.type) else "source" if SOURCE.match(op.type) else None
        if role:
            found.update((role + "|" + tensor.name, tensor) for tensor in op.outputs)
        if op.type in FUNCTION:
            tell("a function's inside is not recorded: " + op.name + " (" + op.type + ")")
    return found


def _fetchable(tensors: dict[str, Any], fed: set[str], tell: Tell) -> dict[str, Wanted]:
    wanted = OrderedDict()
    for key, tensor in tensors.items():
        inside = guards(tensor.op)
        if inside is None:
            tell("inside a while loop, it is not recorded: " + key.replace("|", " "))
        elif variable_of(tensor) is not None:  # which a fetch shows as it is after the update
            tell("a mere read of a variable, it is not recorded: " + key.replace("|", " "))
        elif tensor.dtype in UNRECORDED or not (inside or tensor.graph.is_fetchable(tensor)):
            tell("it cannot be fetched, it is not recorded: " + key.replace("|", " "))
        else:
            wanted[key] = Wanted(tensor, inside)
    return wanted
