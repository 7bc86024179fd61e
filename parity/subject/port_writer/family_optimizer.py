"""An optimizer of jaxmlp's family, and the schedule of its rate."""

from typing import Any

from jaxmlp import program as parts
from parity.subject.port_writer.expression import NUMBER, VARIABLE, Expression, NotWritten, leaves, short
from parity.subject.port_writer.family_schedule import schedule_of
from parity.subject.port_writer.read import Read


def optimizer_of(read: Read) -> tuple[Any, str | None]:
    """It, and the variable that counts its schedule's steps."""
    counter: str | None = None
    numbers: dict[str, Any] = {}
    for name, one in read.update.numbers.items():
        if one.op == NUMBER:
            numbers[name] = short(one.value)
        elif name == "learning_rate":
            numbers[name], counter = _rate(read, one)
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


def _rate(read: Read, rate: Expression) -> tuple[Any, str | None]:
    """A schedule and its counter; a number where it stands in a variable that no step writes."""
    counters = {one.value for one in leaves(rate) if one.op == VARIABLE}
    if len(counters) != 1 or any(one.op not in (VARIABLE, NUMBER) for one in leaves(rate)):
        raise NotWritten("a learning rate that is not computed from a count of steps alone")
    (counter,) = counters
    held = {float(start["slots"][counter]) for start in read.reading.starts if counter in start["slots"]}
    if rate.op == VARIABLE and counter not in read.reading.order.chains and len(held) == 1:
        return short(held.pop()), None
    return schedule_of(read.reading, read.update.rate, counter), counter
