"""Mistakes of a loss: other formulas and reductions, penalties, dropout's scale, tried on the recorded logits."""

from collections.abc import Iterator

import numpy as np

from parity.compare.recorded.mistakes.scene import Scene, near
from parity.compare.tensor import Named

SAME = 5e-6  # relative: two losses are the same formula's
SOFTMAX = "the mean of softmax cross-entropy"


def of_loss(scene: Scene, tensor: str) -> Iterator[str]:
    """What fits a loss, or logits, that differ."""
    yield from rescaled(scene)
    theirs, ours = (side("loss").get("loss") for side in (scene.theirs, scene.ours))
    if tensor != "loss" or theirs is None or ours is None:
        return
    right, got = float(theirs), float(ours)
    yield from _formula(scene, right, got)
    yield from _penalty(scene, got - right)
    for factor, told in scene.counts():
        if near(got, factor * right, SAME):
            yield told


def _formula(scene: Scene, right: float, got: float) -> Iterator[str]:
    for logits, labels in _pairs(scene):
        known = formulas(logits, labels)
        for name, value in known.items():
            penalty = right - value
            if not (near(right, value, SAME) or (name == SOFTMAX and penalty > 0)):
                continue
            for other, tried in known.items():
                if other != name and near(got, tried + (0.0 if near(right, value, SAME) else penalty), SAME):
                    yield f"the loss is {other}; TensorFlow's is {name}"
            if penalty > SAME * abs(right):
                for times, told in ((0.0, "is left out"), (2.0, "counts twice"), (0.5, "counts half")):
                    if near(got, value + times * penalty, SAME):
                        yield f"the penalty {told}"


def _pairs(scene: Scene) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Logits and the labels that fit them, float64 [N, C] each."""
    logits = scene.theirs("logits").get("logits")
    if logits is None or logits.ndim != 2:
        return
    for array in scene.start("batch").values():
        if array.shape == logits.shape:
            yield logits, array.astype(np.float64)
        whole = array.dtype.kind in "iu" and array.size == len(logits)
        if whole and array.min(initial=0) >= 0 and array.max(initial=0) < logits.shape[1]:
            yield logits, np.eye(logits.shape[1])[array.reshape(-1)]


def formulas(logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Losses by what they are called."""
    p = softmax(logits)
    with np.errstate(divide="ignore"):
        entropy = -(labels * np.log(np.maximum(p, 1e-300))).sum(1)
    twice = -(labels * np.log(softmax(p))).sum(1)
    sigmoid = np.maximum(logits, 0) - logits * labels + np.log1p(np.exp(-np.abs(logits)))
    squares, of_softmax = np.square(logits - labels), np.square(p - labels)
    return {
        SOFTMAX: entropy.mean(),
        "the sum of softmax cross-entropy": entropy.sum(),
        "softmax cross-entropy, mean over classes too": entropy.mean() / logits.shape[1],
        "the mean of softmax cross-entropy of the softmax itself (softmax is applied twice)": twice.mean(),
        "the mean of softmax cross-entropy with 1e-10 added to the softmax": -(labels * np.log(p + 1e-10))
        .sum(1)
        .mean(),
        "the mean of sigmoid cross-entropy over all elements": sigmoid.mean(),
        "sigmoid cross-entropy, summed over classes": sigmoid.sum(1).mean(),
        "the sum of sigmoid cross-entropy": sigmoid.sum(),
        "the mean squared error of the logits": squares.mean(),
        "the squared error of the logits, summed over classes": squares.sum(1).mean(),
        "the mean squared error of the softmax": of_softmax.mean(),
        "the squared error of the softmax, summed over classes": of_softmax.sum(1).mean(),
        "half the mean squared error of the logits": squares.mean() / 2,
    }


def softmax(logits: np.ndarray) -> np.ndarray:
    """float64, by rows."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def _penalty(scene: Scene, apart: float) -> Iterator[str]:
    weights = {name: array.astype(np.float64) for name, array in scene.start("weights").items()}
    kernels, biases = (_squares(weights, least) for least in (True, False))
    sets = {"the kernels": kernels, "the biases": biases, "kernels and biases": kernels + biases}
    for called, squares in sets.items():
        for one in scene.numbers:
            if near(apart, -one * squares / 2, 1e-3):
                yield f"an L2 penalty of {one:g} on {called} is left out, or counts half"
            if near(apart, one * squares / 2, 1e-3) or near(apart, one * squares, 1e-3):
                yield f"an L2 penalty of {one:g} on {called} is added, or counts twice: tf.nn.l2_loss has a half"


def _squares(weights: Named, kernels: bool) -> float:
    return float(sum(np.square(array).sum() for array in weights.values() if (array.ndim > 1) is kernels))


def rescaled(scene: Scene) -> Iterator[str]:
    """Dropout before the last layer, not scaled or scaled twice: the logits are so, but for the bias."""
    if not scene.start("draws"):
        return
    for keep in _keeps(scene):
        for factor, told in ((keep, "is not scaled by 1 / keep_prob"), (1 / keep, "is scaled by 1 / keep_prob twice")):
            if any(_is_rescaled(scene, logits, labels, factor) for logits, labels in _pairs(scene)):
                yield f"dropout {told}; keep_prob = {keep:g}"


def _keeps(scene: Scene) -> list[float]:
    within = [one for one in scene.numbers if 0 < one < 1]
    return list(dict.fromkeys([*within, *(round(1 - one, 7) for one in within)]))


def _is_rescaled(scene: Scene, logits: np.ndarray, labels: np.ndarray, factor: float) -> bool:
    """By the step's logits, or by its loss where that is all it returns."""
    ours, loss = scene.ours("logits").get("logits"), scene.ours("loss").get("loss")
    biases = [one for one in scene.start("weights").values() if one.shape == logits.shape[1:]]
    for bias in [*biases, np.zeros(logits.shape[1])]:
        tried = (logits - bias) * factor + bias
        if ours is not None:
            if np.linalg.norm(ours - tried) <= 1e-4 * np.linalg.norm(tried):
                return True
        elif loss is not None:
            right = float(scene.theirs("loss")["loss"])
            penalty = right - formulas(logits, labels)[SOFTMAX]
            if near(float(loss), formulas(tried, labels)[SOFTMAX] + max(penalty, 0.0), SAME):
                return True
    return False
