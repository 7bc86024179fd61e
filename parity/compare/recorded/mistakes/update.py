"""Mistakes of an optimizer's update: other rules, numbers, slots and gradients, tried on the weights that differ."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from parity.compare.recorded.applied import keras_momentum
from parity.compare.recorded.mistakes import rules
from parity.compare.recorded.mistakes.scene import Scene, fit, near
from parity.compare.recorded.updates import gradients
from parity.compare.rounded import HALF_ULP, Rounded
from parity.compare.rules import adaptive, descent
from parity.compare.rules.rule import Move
from parity.compare.tensor import Named

MOST = 4096  # elements that are tried: enough to tell rules apart
LOOSE = 1e-3  # relative, of a rate or a decay that was fitted
EPSILONS = (1e-3, 1e-7, 1e-8, 1e-10, 0.0)
BETAS = (0.9, 0.99, 0.999)


class Trial(NamedTuple):
    """Some elements of a variable, and what its rule is told of them."""

    move: Move
    weights: Rounded
    grad: Rounded
    slots: Mapping[str, Rounded]
    numbers: Mapping[str, Any]
    got: np.ndarray

    def fits(self, **other: Any) -> bool:
        """Whether the step computed just this, with another move, grad, slots or numbers."""
        trial = self._replace(**other)
        with np.errstate(all="ignore"):
            right = trial.move(trial.weights, trial.grad, trial.slots, trial.numbers).weights
            return right.ratio(self.got) <= 1 and bool(np.isfinite(right.error).all())

    def told(self, **numbers: float | Rounded) -> dict[str, Any]:
        """Other numbers."""
        made = {k: one if isinstance(one, Rounded) else _written(one) for k, one in numbers.items()}
        return {**self.numbers, **made}


def _written(value: float) -> Rounded:
    return Rounded(np.asarray(float(value)), np.asarray(HALF_ULP * abs(value)))


def of_update(scene: Scene, tensor: str) -> Iterator[str]:
    """What fits a variable whose update differs."""
    trial = trial_of(scene, tensor)
    if trial is None:
        return
    if not (trial.got != trial.weights.value).any():
        yield "the variable is not updated at all"
    yield from _other_rules(trial)
    yield from _other_gradients(scene, tensor, trial)
    yield from _other_rates(scene, tensor, trial)
    yield from _decays(trial)


def trial_of(scene: Scene, tensor: str) -> Trial | None:
    """None where no rule, gradient or weights are known."""
    applied = scene.program.update_of(tensor)
    grad = gradients(scene.number, scene.program, scene.got).get(tensor)
    if applied is None or applied.kind is None or grad is None or f"weights/{tensor}" not in scene.got.got:
        return None
    before, got = scene.start("weights")[tensor], scene.got.of_role("weights")[tensor].array
    chosen = _chosen(got, before)
    try:
        slots = {slot: _some(scene.start("slots")[name], chosen) for name, slot in applied.slots.items()}
        numbers = applied.written(scene.one)
    except KeyError:
        return None
    some = Rounded(grad.value.reshape(-1)[chosen], np.broadcast_to(grad.error, grad.value.shape).reshape(-1)[chosen])
    return Trial(applied.kind.move, _some(before, chosen), some, slots, numbers, got.reshape(-1)[chosen])


def _chosen(got: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Of the elements that move `MOST`, evenly; of all, where none moves."""
    moving = np.flatnonzero(got != before)
    elements = moving if len(moving) else np.arange(got.size)
    return elements[np.linspace(0, len(elements) - 1, min(MOST, len(elements))).astype(int)]


def _some(array: np.ndarray, chosen: np.ndarray) -> Rounded:
    return Rounded.of(array.reshape(-1)[chosen])


def _other_rules(trial: Trial) -> Iterator[str]:
    for text, move in rules.OTHERS.get(trial.move, ()):
        if trial.fits(move=move):
            yield text
    if "use_nesterov" in trial.numbers and trial.move in (descent.momentum, keras_momentum):
        turned = not trial.numbers["use_nesterov"]
        if trial.fits(numbers={**trial.numbers, "use_nesterov": turned}):
            yield f"the step is {'' if turned else 'not '}Nesterov's, and TensorFlow's is{' not' if turned else ''}"
    yield from _other_slots(trial)
    yield from _other_numbers(trial)


def _other_slots(trial: Trial) -> Iterator[str]:
    if trial.slots and trial.fits(slots={name: Rounded.of(np.zeros_like(s.value)) for name, s in trial.slots.items()}):
        yield "the slots start at 0, and are not those that are given"
    for name, start in (("rms", "1"), ("accumulator", "0.1")):
        if name in trial.slots and trial.fits(
            slots={**trial.slots, name: Rounded.of(np.zeros_like(trial.slots[name].value))}
        ):
            yield f"the accumulator starts at 0; TensorFlow's starts at {start}, and is handed over as a slot"


def _other_numbers(trial: Trial) -> Iterator[str]:
    names = {"epsilon": EPSILONS, "beta1": BETAS, "beta2": BETAS, "decay": BETAS, "momentum": (*BETAS, 0.0)}
    for name, values in names.items():
        for value in values if name in trial.numbers else ():
            if trial.fits(numbers=trial.told(**{name: value})):
                yield f"{name} is {value:g}, and TensorFlow's is {float(trial.numbers[name].value):g}"
    if trial.move is adaptive.adam:
        b1, b2 = (float(trial.numbers[f"beta{i}_power"].value) * float(trial.numbers[f"beta{i}"].value) for i in (1, 2))
        if trial.fits(numbers=trial.told(beta1_power=b1, beta2_power=b2)):
            yield "the bias correction counts one step too many"


def _other_gradients(scene: Scene, tensor: str, trial: Trial) -> Iterator[str]:
    own: Named = {**scene.theirs("grads"), **scene.ours("grads")}
    got, before = scene.got.of_role("weights")[tensor].array, scene.start("weights")[tensor]
    chosen = _chosen(got, before)
    clipping = scene.program.clipping
    if clipping and clipping.fields and tensor in own:
        if trial.fits(grad=_some(own[tensor], chosen)):
            yield "clipping is left out"
        limit = clipping.fields.get("clip_norm")
        norm = float(np.linalg.norm(own[tensor]))
        if limit and trial.fits(grad=_loose(_some(own[tensor] * min(1.0, limit / norm), chosen))):
            yield "each gradient is clipped by its own norm, and TensorFlow clips by the norm of all"
    for c in (*scene.numbers, *(-one for one in scene.numbers)):
        if trial.fits(grad=trial.grad + trial.weights * c):
            yield f"{c:g} times the weights is added to the gradient that is returned: a weight decay"


def _loose(grad: Rounded) -> Rounded:
    """Scaled by a norm, of which a step knows not all digits."""
    return Rounded(grad.value, grad.error + 1e-5 * np.abs(grad.value))


def _other_rates(scene: Scene, tensor: str, trial: Trial) -> Iterator[str]:
    if "learning_rate" not in trial.numbers:
        return
    before, rate = trial.weights.value, float(trial.numbers["learning_rate"].value)
    with np.errstate(all="ignore"):
        right = trial.move(trial.weights, trial.grad, trial.slots, trial.numbers).weights.value - before
    c = fit(trial.got - before, right)
    other = Rounded(np.asarray(c * rate), np.asarray(abs(c * rate) * LOOSE))
    if c == 0 or not trial.fits(numbers=trial.told(learning_rate=other)):
        return
    if near(c, -1, LOOSE):
        yield "the update's sign is turned"
    yield _rate(scene, tensor, rate, c * rate) or f"the learning rate is {c:.6g} times TensorFlow's {rate:g}"


def _rate(scene: Scene, tensor: str, rate: float, used: float) -> str | None:
    """Of which other step the rate is; one that changes by itself from step to step is decayed by powers."""
    applied = scene.program.update_of(tensor)
    rates = {}
    for step, one in scene.program.trace.steps.items():
        rates[step] = float(applied.numbers(one)["learning_rate"].value) if applied else 0.0
    first = next(iter(rates.values()))
    if near(used, first, LOOSE) and not near(rate, first, LOOSE):
        return f"the learning rate is not decayed: it is still {first:g}"
    ratio = next((rates[s + 1] / rates[s] for s in rates if s + 1 in rates and rates[s]), 1.0)
    if not near(ratio, 1, LOOSE / 10) and near(used, rate * ratio, LOOSE / 10):
        return "the learning rate is that of the next step: the decay is applied a step early"
    if not near(ratio, 1, LOOSE / 10) and near(used, rate / ratio, LOOSE / 10):
        return "the learning rate is that of the step before: the decay is applied a step late"
    return None


def _decays(trial: Trial) -> Iterator[str]:
    with np.errstate(all="ignore"):
        right = trial.move(trial.weights, trial.grad, trial.slots, trial.numbers).weights
    rest, before = trial.got - right.value, trial.weights.value
    c = fit(rest, before)
    if c and bool((np.abs(rest - c * before) <= right.error + LOOSE * np.abs(c * before)).all()):
        taken = "added" if c > 0 else "taken off"
        yield f"besides, {abs(c):.2g} times the weights is {taken}: a weight decay of its own"
