"""An optimizer of jaxmlp's family, and the schedule of its rate."""

from typing import Any

from jaxmlp import program as parts
from parity.subject.port_writer.expression import NUMBER, VARIABLE, Expression, NotWritten, short
from parity.subject.port_writer.read import Read


def optimizer_of(read: Read) -> tuple[Any, str | None]:
    """It, and the variable that counts its schedule's steps."""
    counter: str | None = None
    numbers: dict[str, Any] = {}
    for name, one in read.update.numbers.items():
        if one.op == NUMBER:
            numbers[name] = short(one.value)
        elif name == "learning_rate":
            numbers[name], counter = _schedule(one)
        else:
            raise NotWritten(f"{name} changes from step to step")
    kinds = {kind.kind: kind for kind in _members(parts.Optimizer)}
    starts = {
        name: value for name, value in _starts(read).items() if name in kinds[read.update.factory].__annotations__
    }
    return kinds[read.update.factory](**numbers, **read.update.flags, **starts), counter


def _members(union: Any) -> tuple[Any, ...]:
    return union.__args__


def _starts(read: Read) -> dict[str, float]:
    """What accumulators start from, where the first step was recorded."""
    found = {}
    for slot in ("accumulator", "accum"):
        if slot in read.update.slots:
            before, behind = read.update.slots[slot]
            name = next(iter(read.reading.starts[0]["weights"]))
            value = read.reading.starts[0]["slots"][f"{before}{name}{behind}"]
            if (value == value.reshape(-1)[0]).all():
                found["initial_accumulator_value"] = short(value.reshape(-1)[0])
    return found


def _schedule(rate: Expression) -> tuple[Any, str]:
    """learning_rate * decay_rate ** (step / decay_steps), the quotient whole with a staircase."""
    if rate.op == "*" and rate.inputs[0].op == NUMBER and rate.inputs[1].op == "**":
        base, exponent = rate.inputs[1].inputs
        staircase = exponent.op == "jnp.floor"
        quotient = exponent.inputs[0] if staircase else exponent
        if base.op == NUMBER and quotient.op == "/" and quotient.inputs[0].op == VARIABLE:
            steps = float(quotient.inputs[1].value) if quotient.inputs[1].op == NUMBER else 0.5
            if steps == int(steps):
                told = (short(rate.inputs[0].value), int(steps), short(base.value), staircase)
                return parts.ExponentialDecay(*told), quotient.inputs[0].value
    raise NotWritten("a learning rate that is no number and no exponential decay")
