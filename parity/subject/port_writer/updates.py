"""Which optimizer of `jaxmlp.tf1` moves the variables, with which numbers, and where its slots are kept."""

from collections.abc import Mapping
from typing import NamedTuple

from parity.compare.recorded.applied import Applied
from parity.compare.recorded.recording import Program
from parity.subject.port_writer.expression import Expression, NotWritten, is_number
from parity.subject.port_writer.reading import Reading

FACTORIES = {
    "ApplyGradientDescent": "gradient_descent",
    "ApplyMomentum": "momentum",
    "ApplyAdam": "adam",
    "ApplyRMSProp": "rmsprop",
    "ApplyCenteredRMSProp": "rmsprop",
    "ApplyAdagrad": "adagrad",
    "ApplyAdadelta": "adadelta",
    "ApplyFtrl": "ftrl",
    "ApplyFtrlV2": "ftrl",
}
POWERS = ("beta1_power", "beta2_power")
DEFAULTS = {  # what need not be said
    "adam": {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    "rmsprop": {"decay": 0.9, "momentum": 0.0, "epsilon": 1e-10},
    "adadelta": {"rho": 0.95, "epsilon": 1e-8},
    "ftrl": {
        "learning_rate_power": -0.5,
        "l1_regularization_strength": 0.0,
        "l2_regularization_strength": 0.0,
        "l2_shrinkage_regularization_strength": 0.0,
    },
}
DIFFERS = {  # from optax's, with the same numbers
    "adam": "TensorFlow's Adam adds epsilon to the root before its bias is corrected, optax's afterwards.",
    "rmsprop": "TensorFlow's RMSProp has the learning rate inside the momentum, and its mean square starts at 1.",
    "adagrad": "TensorFlow's Adagrad has no epsilon; its accumulator starts above 0.",
    "adadelta": "TensorFlow's Adadelta multiplies by the rate last; its averages do not know it.",
    "ftrl": "TensorFlow's FTRL makes the weights anew from its slots; optax has none.",
}


class Update(NamedTuple):
    """One optimizer for all variables."""

    factory: str  # of jaxmlp.tf1.optimizers
    numbers: Mapping[str, Expression]  # without defaults
    flags: Mapping[str, bool]
    slots: Mapping[str, tuple[str, str]]  # by the factory's slot names: what stands before and behind a variable's name
    powers: Mapping[str, Expression]  # of Adam's betas
    rate: str  # the tensor, or the variable, that the learning rate is


def update_of(reading: Reading, program: Program) -> Update:
    """Raises `NotWritten` where variables are moved in several ways, or by an op that no optimizer of tf1 is."""
    kinds = {_kind(one) for one in program.updates}
    if len(kinds) != 1:
        raise NotWritten(f"several kinds of update: {', '.join(sorted(kinds))}")
    first, *rest = program.updates
    kind = kinds.pop()
    if kind not in FACTORIES or first.kind is None:
        raise NotWritten(f"{first.type} {first.op}")
    if len(program.moved) != len(program.updates):
        raise NotWritten("a variable that several updates move")
    told = _numbers(reading, first)
    for one in rest:
        if not _same(told, _numbers(reading, one)) or one.attributes != first.attributes:
            raise NotWritten(f"{one.type} {one.op}: it has other numbers than {first.op}")
    factory, powers = FACTORIES[kind], {name: told.pop(name) for name in POWERS if name in told}
    default = DEFAULTS.get(factory, {})
    numbers = {name: one for name, one in told.items() if name not in default or not is_near(one, default[name])}
    flags = {"use_nesterov": True} if first.attributes.get("use_nesterov") else {}
    flags |= {"centered": True} if kind == "ApplyCenteredRMSProp" else {}
    rate = next(_tensor(first, argument) for argument, name in first.kind.numbers.items() if name == "learning_rate")
    return Update(factory, numbers, flags, _slots(program.updates), powers, rate)


def _kind(one: Applied) -> str:
    return one.type.removeprefix("Resource")


def is_near(one: Expression, value: float) -> bool:
    """The same float32."""
    return is_number(one) and abs(float(one.value) - value) <= 1e-7 * abs(value)


def _numbers(reading: Reading, one: Applied) -> dict[str, Expression]:
    assert one.kind
    node = reading.graph.node(one.op)
    found = {}
    for argument, name in one.kind.numbers.items():
        found[name] = reading.expression(_tensor(one, argument), node.name)
    return found


def _tensor(one: Applied, argument: str) -> str:
    told = one.inputs[argument]
    return told.get("tensor") or f"{told['variable']}:0"


def _same(a: Mapping[str, Expression], b: Mapping[str, Expression]) -> bool:
    return a.keys() == b.keys() and all(_alike(a[name], b[name]) for name in a)


def _alike(a: Expression, b: Expression) -> bool:
    if a is b:
        return True
    if a.op != b.op or len(a.inputs) != len(b.inputs) or str(a.value) != str(b.value):
        return False
    return all(map(_alike, a.inputs, b.inputs))


def _slots(updates: list[Applied]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for one in updates:
        for variable, slot in one.slots.items():
            before, own, behind = variable.partition(f"{one.variable}/")
            if not own or found.setdefault(slot, (before, f"/{behind}")) != (before, f"/{behind}"):
                raise NotWritten(f"slots that are not named after their variables: {variable} of {one.variable}")
    return found
