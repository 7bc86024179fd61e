"""One step in float64 NumPy: what the tiers' limits are derived from, and the probabilities both sides are handed.

It is neither side of the comparison. It says how far honest float32 may carry a gradient from given weights: through
images near a tie, through units near the ReLU's kink, and through sums taken image by image, as TensorFlow 1.15 takes
those of the biases.
"""

from typing import NamedTuple

import numpy as np

from jaxmlp.data.dataset import Split
from parity.trace import TENSORS

CHUNK = 2000  # images at a time: their float64 activations stay near the cache
NEGLIGIBLE = 1e-12  # κ below this: the image is so far from a tie that it adds nothing to any limit
UNIT = 2.0**-24  # float32 rounds to within this of a number, relative to it


class Exact(NamedTuple):
    """What float64 says about one set of weights. The three dicts are by tensor, in units of the gradient's norm."""

    logits: np.ndarray  # float64 [N, C]
    logits_grad: np.ndarray  # float32 [N, C], p - y: the derivative of an image's loss by its logits
    ties: dict[str, float]  # mean over images of κᵢ ‖Jᵢ‖, κᵢ = maxₖ pᵢₖ (1 - pᵢₖ): per unit of error in the logits
    kinks: dict[str, float]  # root of the summed squares of what each unit near the kink puts into the gradient
    summation: dict[str, float]  # what float32 loses that divides by N and then sums image by image


def exact_step(weights: dict[str, np.ndarray], split: Split) -> Exact:
    """weights float32, split uint8 -> the float64 truth; 96 GFLOP of them for 60,000 images and 1024 units."""
    wide = {name: weights[name].astype(np.float64) for name in TENSORS}
    sums = _Sums(wide, len(split.labels))
    logits = [
        sums.add(split.images[i : i + CHUNK], split.labels[i : i + CHUNK]) for i in range(0, len(split.labels), CHUNK)
    ]
    return sums.exact(np.concatenate(logits), split.labels)


def softmax(logits: np.ndarray) -> np.ndarray:
    """float64 [N, C], each row's largest taken off first."""
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)


def near_ties(logits: np.ndarray, labels: np.ndarray, delta: float) -> int:
    """How many images may change between right and wrong when every logit moves by up to `delta`."""
    own = np.take_along_axis(logits, labels[:, None].astype(np.int64), axis=1)[:, 0]
    others = np.where(_onehot(logits, labels), -np.inf, logits).max(axis=1)
    return int((np.abs(own - others) <= 2 * delta).sum())


def reach(weights: dict[str, np.ndarray], pixels: np.ndarray) -> np.ndarray:
    """float64 [n, H]: the scale of what float32 rounds in a unit's input that comes out near zero.

    2^-24 √ink hypot(‖x‖ rms(W1), |b1|), ink the number of pixels that are not blank: the terms of such a sum are a
    random walk there and back, each step of which rounds. The error's rms is a fifth of this whatever the ink and the
    order of summation (tests/parity/test_exact.py), its largest a few times that: T1b lets a unit within three of it
    come out either sign, and T2 allows several times what the units within one of it put into a gradient.
    """
    ink = np.count_nonzero(pixels, axis=1, keepdims=True)
    length = np.linalg.norm(pixels.astype(np.float64), axis=1, keepdims=True)
    spread = np.hypot(length * _rms(weights["weights_1"]), np.abs(weights["biases_1"], dtype=np.float64))
    return UNIT * np.sqrt(ink) * spread


def kink_distance(weights: dict[str, np.ndarray], split: Split, differs: np.ndarray) -> float:
    """How many `reach` from zero is the farthest of the inputs, in float64, of the units where `differs`, bool [N, H].

    0 where it holds nowhere, infinite where it holds for a blank image.
    """
    farthest = 0.0
    wide = {name: weights[name].astype(np.float64) for name in ("weights_1", "biases_1")}
    images = np.flatnonzero(differs.any(axis=1))
    for first in range(0, len(images), CHUNK):
        some = images[first : first + CHUNK]
        pixels = split.images[some].astype(np.float64)
        z = np.abs(pixels @ wide["weights_1"] + wide["biases_1"])
        scale = reach(weights, pixels)
        distance = np.divide(z, scale, out=np.full(z.shape, np.inf), where=scale > 0)
        farthest = max(farthest, float(distance[differs[some]].max()))
    return farthest


class _Sums:
    """Sums over the images seen so far, each [4], [H] or [C]."""

    def __init__(self, weights: dict[str, np.ndarray], images: int):
        self.weights, self.images = weights, images
        self.ties, self.kinks = np.zeros(4), np.zeros(4)
        units, classes = weights["weights_2"].shape
        self.wide = [np.zeros(units), np.zeros(classes)]
        self.narrow = [np.zeros(units, np.float32), np.zeros(classes, np.float32)]

    def add(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Takes some images in; their logits, float64 [n, C]."""
        pixels = images.astype(np.float64)
        before = pixels @ self.weights["weights_1"] + self.weights["biases_1"]
        hidden = np.maximum(before, 0)
        logits = hidden @ self.weights["weights_2"] + self.weights["biases_2"]
        p = softmax(logits)
        back = p - _onehot(logits, labels)
        through = back @ self.weights["weights_2"].T
        self._add_ties(p, pixels, hidden, before)
        self._add_kinks(pixels, before, through)
        for i, rows in enumerate((through * (before > 0), back)):
            self.wide[i] += rows.sum(axis=0)
            # NumPy sums the first axis of a C-ordered array row by row, as TensorFlow 1.15 does: nothing pairwise.
            self.narrow[i] = np.vstack([self.narrow[i], rows.astype(np.float32) / np.float32(self.images)]).sum(axis=0)
        return logits

    def exact(self, logits: np.ndarray, labels: np.ndarray) -> Exact:
        p = softmax(logits)
        pairs = zip(self.wide, self.narrow, strict=True)
        lost = [float(np.linalg.norm(wide / self.images - narrow)) for wide, narrow in pairs]
        return Exact(
            logits,
            (p - _onehot(logits, labels)).astype(np.float32),
            _by_tensor(self.ties / self.images),
            _by_tensor(np.sqrt(self.kinks) / self.images),
            _by_tensor(np.array([0, lost[0], 0, lost[1]])),
        )

    def _add_ties(self, p: np.ndarray, pixels: np.ndarray, hidden: np.ndarray, before: np.ndarray) -> None:
        kappa = (p * (1 - p)).max(axis=1)
        tied = kappa > NEGLIGIBLE
        norms = _jacobian_norms(self.weights["weights_2"], pixels[tied], hidden[tied], before[tied] > 0)
        self.ties += norms @ kappa[tied]

    def _add_kinks(self, pixels: np.ndarray, before: np.ndarray, through: np.ndarray) -> None:
        """A unit that flips puts in, or takes out, x (W2 v)ⱼ of W1's gradient and (W2 v)ⱼ of b1's."""
        lengths = np.linalg.norm(pixels, axis=1)
        image, unit = np.nonzero(np.abs(before) < reach(self.weights, pixels))
        jumps = through[image, unit] ** 2
        self.kinks += np.array([(lengths[image] ** 2 * jumps).sum(), jumps.sum(), 0, 0])


def _jacobian_norms(weights_2: np.ndarray, pixels: np.ndarray, hidden: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Operator norms [4, n] of the Jacobians of n images' logits by W1, b1, W2, b2.

    Jᵀv is x ⊗ u, u, h ⊗ v and v, where u = active · (W2 v): so ‖x‖ ‖U‖, ‖U‖, ‖h‖ and 1, where ‖U‖² is the largest
    eigenvalue of W2ᵀ diag(active) W2, a C x C matrix an image.
    """
    units, classes = weights_2.shape
    outer = (weights_2[:, :, None] * weights_2[:, None, :]).reshape(units, classes * classes)
    gram = (active.astype(np.float64) @ outer).reshape(-1, classes, classes)
    to_hidden = np.sqrt(np.linalg.eigvalsh(gram)[:, -1]) if len(gram) else np.zeros(0)
    lengths = np.linalg.norm(pixels, axis=1)
    return np.stack([lengths * to_hidden, to_hidden, np.linalg.norm(hidden, axis=1), np.ones(len(pixels))])


def _onehot(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.arange(logits.shape[1]) == labels[:, None]


def _rms(array: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(array, dtype=np.float64))))


def _by_tensor(values: np.ndarray) -> dict[str, float]:
    return dict(zip(TENSORS, values.tolist(), strict=True))
