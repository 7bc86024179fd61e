"""Mistakes of what no update op moves: moving averages, Adam's powers, counters."""

from collections.abc import Iterator

import numpy as np

from parity.compare.recorded.mistakes.scene import Scene, explains, fit


def of_average(scene: Scene, tensor: str) -> Iterator[str]:
    """What fits a variable that is counted or averaged along with the training."""
    before, theirs, ours = (
        named.get(tensor) for named in (scene.start("slots"), scene.theirs("slots"), scene.ours("slots"))
    )
    if before is None or theirs is None or ours is None:
        return
    old = before.astype(np.float64)
    yield from _other_moment(scene, tensor, ours - theirs)
    if np.array_equal(ours, old) and not np.array_equal(theirs, old):
        yield "it is not updated at all"
    for decay in [one for one in scene.numbers if 0 < one < 1]:
        for kept in (decay, 1 - decay):
            yield from _averaged(scene, kept, old, theirs, ours)


def _other_moment(scene: Scene, tensor: str, apart: np.ndarray) -> Iterator[str]:
    """Off by a share of what the update made of the variable that is averaged."""
    for name, new in scene.theirs("weights").items():
        if tensor.startswith(f"{name}/") and new.shape == apart.shape:
            moved = new - scene.start("weights")[name]
            if explains(apart, moved, fit(apart, moved), 1e-3):
                yield "one averages the variable before its update, the other after: a race, or another order"


def _averaged(scene: Scene, kept: float, old: np.ndarray, theirs: np.ndarray, ours: np.ndarray) -> Iterator[str]:
    """theirs = kept * old + (1 - kept) * x."""
    n, x = scene.images, (theirs - kept * old) / (1 - kept)
    if explains(ours - kept * old, (1 - kept) * x, n / (n - 1) if n > 1 else 0.0, 1e-5):
        yield f"the batch's variance is that of a sample, N / (N - 1) too large, N = {n}"
    if explains(ours - kept * old, (1 - kept) * x, (n - 1) / n if n > 1 else 0.0, 1e-5):
        yield f"the batch's variance lacks N / (N - 1), which TensorFlow's has here, N = {n}"
    if kept != 0.5 and np.allclose(ours, (1 - kept) * old + kept * x, rtol=1e-5, atol=0):
        yield f"old and new are exchanged in the average: the decay of {kept:g} belongs to the old value"
