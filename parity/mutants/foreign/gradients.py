"""Mistakes of the loss and its gradient, as they show in what a step returns."""

from collections.abc import Callable, Iterator

import numpy as np

from parity.compare.tensor import Named
from parity.compare.trace import StepTrace
from parity.mutants.foreign.planting import Mistake, Plant, Planting


def catalogue() -> list[Mistake]:
    """All of them."""
    return [
        Mistake("a sum over the batch stands for the mean, or the mean for a sum: 1/N is forgotten", scaled(by_images)),
        Mistake("the mean is over the classes too", scaled(by_classes)),
        Mistake("a factor 1/2 is left out", scaled(lambda _: 2.0)),
        Mistake("an L2 penalty (weight decay) on biases", penalised(1.0, biases=True)),
        Mistake("the L2 penalty counts twice: tf.nn.l2_loss has the half", penalised(1.0, biases=False)),
        Mistake("the L2 penalty is left out", penalised(-1.0, biases=False)),
        Mistake("a gradient is stopped on its way", stopped),
        Mistake("the products are bfloat16's", coarse),
        Mistake("a kernel is reshaped where it should have been transposed", reshaped),
        Mistake("dropout's mask is drawn anew", drawn_anew),
        Mistake("dropout is left out", undropped),
    ]


def by_images(planting: Planting) -> float:
    """How many."""
    counts = [len(array) for array in planting.start("batch").values() if array.ndim]
    return float(max(set(counts), key=counts.count)) if counts else 1.0


def by_classes(planting: Planting) -> float:
    """One in so many."""
    logits = planting.made("logits").get("logits")
    return 1 / logits.shape[-1] if logits is not None and logits.ndim == 2 else 1.0


def scaled(factor: Callable[[Planting], float]) -> Plant:
    """Loss and gradients."""

    def plant(planting: Planting) -> Iterator[StepTrace]:
        times = factor(planting)
        loss, grads = planting.made("loss"), planting.made("grads")
        if times != 1:
            yield from ([planting.got(loss={k: one * np.float32(times) for k, one in loss.items()})] if loss else [])
            for name in sorted(grads, key=lambda name: grads[name].size):
                yield planting.got(grads={name: grads[name] * np.float32(times)})

    return plant


def penalised(sign: float, biases: bool) -> Plant:
    """The gradient of a penalty, added or taken off."""

    def plant(planting: Planting) -> Iterator[StepTrace]:
        weights, grads = planting.start("weights"), planting.made("grads")
        if not biases and not planting.penalties:
            return
        for scale in planting.penalties or (1e-3,):
            for name in sorted(grads, key=lambda name: grads[name].size):
                if (weights[name].ndim < 2) == biases and weights[name].any():
                    yield planting.got(grads={name: grads[name] + np.float32(sign * scale) * weights[name]})

    return plant


def stopped(planting: Planting) -> Iterator[StepTrace]:
    """Of the first variable that has one."""
    for name, grad in planting.made("grads").items():
        if grad.any():
            yield planting.got(grads={name: np.zeros_like(grad)})
            return


def coarse(planting: Planting) -> Iterator[StepTrace]:
    """What a GPU or TPU makes of a plain product: its factors lose digits."""
    batch = {name: _coarse(array) for name, array in planting.start("batch").items() if array.ndim > 1}
    weights = {name: _coarse(array) for name, array in planting.start("weights").items()}
    if any(array.ndim > 1 for array in weights.values()):
        yield from _forward(planting.again(weights=weights, batch=batch), planting)


def reshaped(planting: Planting) -> Iterator[StepTrace]:
    """A kernel with two sides."""
    kernels = {name: one for name, one in planting.start("weights").items() if one.ndim == 2 and min(one.shape) > 1}
    if kernels:
        name = min(kernels, key=lambda name: kernels[name].size)
        weights = {name: np.ascontiguousarray(kernels[name].T).reshape(kernels[name].shape)}
        yield from _forward(planting.again(weights=weights), planting)


def drawn_anew(planting: Planting) -> Iterator[StepTrace]:
    """From another stream."""
    draws = {name: one for name, one in planting.start("draws").items() if one.ndim and one.dtype.kind == "f"}
    if draws:
        again = {name: np.random.default_rng(0).permutation(one.reshape(-1)) for name, one in draws.items()}
        given = {name: again[name].reshape(one.shape).astype(one.dtype) for name, one in draws.items()}
        yield from _forward(planting.again(draws=given), planting)


def undropped(planting: Planting) -> Iterator[StepTrace]:
    """Nothing is dropped, though what is left is scaled."""
    draws = {name: one for name, one in planting.start("draws").items() if one.ndim and one.dtype.kind == "f"}
    if draws:
        yield from _forward(planting.again(draws={name: np.ones_like(one) for name, one in draws.items()}), planting)


def _forward(seen: StepTrace, planting: Planting) -> Iterator[StepTrace]:
    """Loss, then gradients, the smallest first."""
    got = {key: tensor.array for key, tensor in seen.got.items()}
    for role in ("loss", "logits"):
        if f"{role}/{role}" in got:
            yield planting.got(**{role: {role: got[f"{role}/{role}"]}})
    grads: Named = {name: got[f"grads/{name}"] for name in planting.made("grads") if f"grads/{name}" in got}
    for name in sorted(grads, key=lambda name: grads[name].size):
        yield planting.got(grads={name: grads[name]})


def _coarse(array: np.ndarray) -> np.ndarray:
    """Rounded to bfloat16's eight bits."""
    if array.dtype != np.float32:
        return array
    bits = np.ascontiguousarray(array).view(np.uint32).astype(np.uint64)
    return ((bits + 0x8000) & 0xFFFF0000).astype(np.uint32).view(np.float32).reshape(array.shape)
