"""Mistakes of a gradient: factors, penalties, transposed or stopped ones, tried on the gradients that differ."""

from collections.abc import Iterator

import numpy as np

from parity.compare.recorded.mistakes.loss import rescaled
from parity.compare.recorded.mistakes.scene import FITS, Scene, explains, fit, near


def of_gradient(scene: Scene, tensor: str) -> Iterator[str]:
    """What fits a variable whose gradient differs."""
    theirs, ours = scene.theirs("grads")[tensor], scene.ours("grads")[tensor]
    if not ours.any():
        yield "the gradient is 0: it is stopped on its way"
    yield from _factor(scene, theirs, ours)
    if theirs.ndim == 2 and theirs.shape[0] == theirs.shape[1] and explains(ours, theirs.T, 1.0):
        yield "the gradient is transposed"
    yield from _penalty(scene, tensor, ours - theirs)
    arriving = scene.theirs("arriving").get(tensor)
    if arriving is not None and not np.array_equal(arriving, theirs) and explains(ours, arriving, 1.0):
        yield "the gradient that is returned is the one that reaches the optimizer, clipped; the plain one is asked for"
    yield from rescaled(scene)
    yield from _few(theirs, ours)


def _factor(scene: Scene, theirs: np.ndarray, ours: np.ndarray) -> Iterator[str]:
    c = fit(ours, theirs)
    if c == 0 or not explains(ours, theirs, c, FITS * 10):
        return
    yield next(
        (told for factor, told in scene.counts() if near(c, factor, FITS * 10)), f"it is {c:.6g} times TensorFlow's"
    )


def _penalty(scene: Scene, tensor: str, apart: np.ndarray) -> Iterator[str]:
    """The difference is so many times the weights."""
    weights = scene.start("weights")[tensor].astype(np.float64)
    c = fit(apart, weights)
    if c == 0 or not explains(apart, weights, c, 0.02):
        return
    kind = "of a bias, which TensorFlow's graph does not penalise" if weights.ndim < 2 else ""
    told = next((told for k, told in _strengths(scene) if near(c, k, 0.02)), None)
    if c > 0 and kind:
        yield f"an L2 penalty (weight decay) of {c:.4g} {kind}"
    yield f"L2 penalty: {told}" if told else f"L2 penalty: {c:+.4g} times the weights is in the gradient"


def _strengths(scene: Scene) -> Iterator[tuple[float, str]]:
    for one in scene.numbers:
        yield -one, "it is left out"
        yield one, "it counts twice: tf.nn.l2_loss is half the sum of squares"
        yield -one / 2, "it counts half: tf.nn.l2_loss has the half already"


def _few(theirs: np.ndarray, ours: np.ndarray) -> Iterator[str]:
    """A kink or a tie moves the columns of few units, and leaves the others alone."""
    apart = np.abs(ours - theirs)
    units = apart.reshape(-1, apart.shape[-1]).max(0) if apart.ndim else apart
    moved = int((units > FITS * np.abs(theirs).max(initial=0)).sum())
    if 0 < moved <= max(1, units.size // 4):
        yield f"only {moved} of {units.size} units differ: the derivative at a kink or a tie; ReLU's is 0 at 0"
