"""Mistakes of the optimizer: other rules, numbers, slots and rates, on the right gradients."""

from collections.abc import Iterator

import numpy as np

from parity.compare.recorded.applied import Applied, keras_momentum
from parity.compare.recorded.mistakes.rules import OTHERS
from parity.compare.rounded import Rounded, number
from parity.compare.rules import adaptive, descent
from parity.compare.rules.rule import Move
from parity.compare.trace import StepTrace
from parity.mutants.foreign.planting import Mistake, Plant, Planting

DECAY = 1e-4  # of a weight decay that TensorFlow's program has not
NUMBERS = {  # what people write, where TensorFlow's default is another
    "epsilon": (1e-7, 1e-8),
    "beta1": (0.95,),
    "beta2": (0.99,),
    "decay": (0.99,),
    "momentum": (0.95,),
}


def catalogue() -> list[Mistake]:
    """All of them."""
    found = [Mistake(text, of_rule(right, move)) for right, others in OTHERS.items() for text, move in others]
    found += [Mistake(f"{name} is {value:g}", of_number(name, value)) for name, own in NUMBERS.items() for value in own]
    return [
        *found,
        Mistake("the step is Nesterov's where TensorFlow's is not, or the other way about", nesterov),
        Mistake("the slots start at 0, whatever is given", fresh_slots),
        Mistake("the bias correction counts one step too many", late_powers),
        Mistake("the learning rate is that of the first step: it is not decayed", first_rate),
        Mistake("the learning rate is that of the next step", next_rate),
        Mistake("the learning rate is 1 % off", of_rate(1.01)),
        Mistake("the update's sign is turned", of_rate(-1.0)),
        Mistake(f"besides, {DECAY:g} times the weights is taken off: a weight decay of its own", decayed),
        Mistake("one variable is not updated at all", frozen),
        Mistake("clipping is left out", unclipped),
        Mistake("each gradient is clipped by its own norm, and TensorFlow clips by the norm of all", each_clipped),
    ]


def of_rule(right: Move, move: Move) -> Plant:
    """In place of the right one."""

    def plant(planting: Planting) -> Iterator[StepTrace]:
        for applied in planting.ruled:
            if applied.kind and applied.kind.move is right:
                yield from _moved(planting, applied, move)

    return plant


def of_number(name: str, value: float) -> Plant:
    """Another hyperparameter."""

    def plant(planting: Planting) -> Iterator[StepTrace]:
        for applied in planting.ruled:
            own = _number(planting, applied, name)
            if own is not None and abs(own - value) > 1e-6 * abs(value):
                yield from _moved(planting, applied, None, **{name: number(value)})

    return plant


def of_rate(factor: float) -> Plant:
    """So many times the rate."""

    def plant(planting: Planting) -> Iterator[StepTrace]:
        for applied in planting.ruled:
            if (rate := _number(planting, applied, "learning_rate")) is not None:
                yield from _moved(planting, applied, None, learning_rate=number(factor * rate))

    return plant


def nesterov(planting: Planting) -> Iterator[StepTrace]:
    """Or not."""
    for applied in planting.ruled:
        if applied.kind and applied.kind.move in (descent.momentum, keras_momentum):
            turned = not applied.attributes.get("use_nesterov", False)
            yield from _moved(planting, applied, None, use_nesterov=turned)


def fresh_slots(planting: Planting) -> Iterator[StepTrace]:
    """As where an optimizer is made anew each step."""
    for applied in planting.ruled:
        zeros = {name: np.zeros_like(planting.start("slots")[name]) for name in applied.slots}
        if zeros:
            zeroed = planting.one._replace(start={**planting.one.start, **planting.got(slots=zeros).got})
            update = applied.follow(zeroed, _grad(planting, applied.variable))
            if update:
                yield planting.got(grads=planting.made("grads"), **planting.moved(applied, update))


def late_powers(planting: Planting) -> Iterator[StepTrace]:
    """Of Adam."""
    for applied in planting.ruled:
        if applied.kind and applied.kind.move is adaptive.adam:
            told = applied.numbers(planting.one)
            powers = {f"beta{i}_power": told[f"beta{i}_power"] * told[f"beta{i}"] for i in (1, 2)}
            yield from _moved(planting, applied, None, **powers)


def first_rate(planting: Planting) -> Iterator[StepTrace]:
    """Where it changes."""
    yield from _other_rate(planting, next(iter(planting.program.trace.steps)))


def next_rate(planting: Planting) -> Iterator[StepTrace]:
    """Where it changes, of the recorded step after this one."""
    later = [step for step in planting.program.trace.steps if step > planting.number]
    if later:
        yield from _other_rate(planting, later[0])


def _other_rate(planting: Planting, step: int) -> Iterator[StepTrace]:
    for applied in planting.ruled:
        steps = planting.program.trace.steps
        rates = {i: _number(planting._replace(number=i), applied, "learning_rate") for i in steps}
        if len(set(rates.values())) > 1 and (rate := rates[step]) is not None:
            yield from _moved(planting, applied, None, learning_rate=number(rate))


def decayed(planting: Planting) -> Iterator[StepTrace]:
    """AdamW's, say."""
    for applied in planting.ruled:
        after, before = planting.made("weights"), planting.start("weights")[applied.variable]
        rate = _number(planting, applied, "learning_rate")
        if applied.variable in after and rate is not None:
            weights = {applied.variable: after[applied.variable] - np.float32(rate * DECAY) * before}
            yield planting.got(grads=planting.made("grads"), weights=weights)


def frozen(planting: Planting) -> Iterator[StepTrace]:
    """The smallest, a bias."""
    for applied in planting.ruled[:1]:
        before = {applied.variable: planting.start("weights")[applied.variable]}
        yield planting.got(grads=planting.made("grads"), weights=before)


def unclipped(planting: Planting) -> Iterator[StepTrace]:
    """Where TensorFlow clips."""
    clipping = planting.program.clipping
    if clipping and clipping.fields:
        for applied in planting.ruled:
            yield from _of_grad(planting, applied, planting.made("grads")[applied.variable])


def each_clipped(planting: Planting) -> Iterator[StepTrace]:
    """Where TensorFlow clips by the norm of all."""
    clipping = planting.program.clipping
    if clipping and clipping.fields and clipping.fields["kind"] == "global_norm":
        limit = clipping.fields["clip_norm"]
        for applied in planting.ruled:
            grad = planting.made("grads")[applied.variable]
            factor = min(1.0, limit / max(float(np.linalg.norm(grad)), 1e-30))
            yield from _of_grad(planting, applied, grad * np.float32(factor))


def _of_grad(planting: Planting, applied: Applied, grad: np.ndarray) -> Iterator[StepTrace]:
    update = applied.follow(planting.one, grad)
    if update:
        yield planting.got(grads=planting.made("grads"), **planting.moved(applied, update))


def _moved(planting: Planting, applied: Applied, move: Move | None, **numbers: object) -> Iterator[StepTrace]:
    assert applied.kind
    grad = _grad(planting, applied.variable)
    update = planting.by(applied, move or applied.kind.move, grad, **numbers)
    if update:
        yield planting.got(grads=planting.made("grads"), **planting.moved(applied, update))


def _grad(planting: Planting, variable: str) -> np.ndarray:
    return planting.arriving(planting.made("grads"))[variable]


def _number(planting: Planting, applied: Applied, name: str) -> float | None:
    try:
        told = applied.numbers(planting.one).get(name)
    except KeyError:
        return None
    return float(told.value) if isinstance(told, Rounded) else None
