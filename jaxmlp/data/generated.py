"""Digits the program draws itself, in place of MNIST: a path of the pen (`glyphs`), bent and slanted by chance, scaled
into 20x20 pixels and centred by its mass as MNIST's are, splatted, blurred, and inked until its middle saturates.
"""

import numpy as np

from jaxmlp.data.dataset import DIGIT_NAMES, PIXELS, Dataset, Split
from jaxmlp.data.glyphs import POINTS, Glyphs, glyphs
from jaxmlp.errors import DataError
from jaxmlp.progress import Progress

TRAIN, TEST = 0, 1  # random streams that never meet
_BLOCK = 500  # images drawn at once: their float32 canvas (1.6 MB) stays in the cache
_DRAWS = 16  # random numbers an image may use; changing it, or _BLOCK, changes every image


def generated_digits(count: int = 60_000, seed: int = 0) -> Dataset:
    """`count` training digits and a sixth as many to test on (at least one); a larger set continues a smaller one.

    Raises `DataError` if they do not fit into memory.
    """
    train, test = draw(count, seed, TRAIN), draw(max(1, count // 6), seed, TEST)
    return Dataset(train, test, DIGIT_NAMES, f"{count} generated digits, seed {seed}")


def draw(count: int, seed: int, stream: int = TRAIN) -> Split:
    """The first `count` digits of a seed's stream: uint8 [count, 784], ink on 19 % of the pixels, and uint8 [count]."""
    try:
        images, labels = np.empty((count, PIXELS), np.uint8), np.empty(count, np.uint8)
    except (MemoryError, ValueError):  # numpy's word for an array beyond the address space is ValueError
        needed = f"{count * PIXELS / 1e9:.0f} GB of memory"
        raise DataError(f"{count} generated digits need {needed}; ask for fewer") from None
    table = glyphs()
    with Progress(count, "digit", "drawing digits", hidden=count <= _BLOCK) as progress:
        for start in range(0, count, _BLOCK):
            uniforms = _uniforms(seed, stream, start // _BLOCK)[:, : count - start]
            images[start : start + _BLOCK], labels[start : start + _BLOCK] = _block(table, uniforms)
            progress.update(uniforms.shape[1])
    return Split(images, labels)


def _uniforms(seed: int, stream: int, block: int) -> np.ndarray:
    """Uniform float32 [_DRAWS, _BLOCK] in [0, 1), from PCG64's raw output, which NumPy promises never to change."""
    bits = np.random.PCG64(np.random.SeedSequence([seed % 2**64, stream, block])).random_raw(_DRAWS * _BLOCK)
    return ((bits >> 40) * 2.0**-24).astype(np.float32).reshape(_DRAWS, _BLOCK)


def _block(table: Glyphs, uniforms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [B, 784] and labels uint8 [B] for the random numbers [_DRAWS, B]."""
    digit = (uniforms[0] * 10).astype(np.int64)
    glyph = table.first[digit] + (uniforms[1] * table.count[digit]).astype(np.int64)
    path = table.points[glyph]
    x, y = _bend(path[:, 0], path[:, 1], 2 * uniforms[2:10, :, None] - 1)
    x, y, length = _fit(x, y, table.joined[glyph], 2 * uniforms[10:13, :, None] - 1)
    canvas = _blur(_splat(x, y) * (length / POINTS), 0.5 + 0.6 * uniforms[13, :, None])
    gain = 3.4 + 2.8 * uniforms[14, :, None]
    ink = np.clip(gain * canvas - 0.25, 0, 1) * 255  # the floor keeps strokes three to four pixels wide
    return ink.astype(np.uint8), digit.astype(np.uint8)


def _bend(x: np.ndarray, y: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pen's path as another hand would write it: waved, stretched, slanted, turned. `r` is in [-1, 1)."""
    x, y = x - 0.5, y - 0.5
    x, y = (x + 0.1 * r[0] * np.sin(5 * y + 3 * r[1]) + 0.16 * r[2] * y * y, y + 0.1 * r[3] * np.sin(5 * x + 3 * r[4]))
    x = x * (0.9 + 0.3 * r[5]) - (0.16 + 0.32 * r[6]) * y  # upright to well slanted to the right, as people write
    turn = 0.2 * r[7]
    return x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)


def _fit(x: np.ndarray, y: np.ndarray, joined: np.ndarray, r: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixel coordinates [B, POINTS] within the middle 20x20 or so, centred by mass, and strokes' lengths [B, 1]."""
    size = np.maximum(np.ptp(x, axis=1), np.ptp(y, axis=1))[:, None]
    scale = (17.2 + 0.8 * r[0]) / size  # and about 3 for the pen's width: 20, as in MNIST
    x, y = ((axis - axis.mean(axis=1, keepdims=True)) * scale for axis in (x, y))
    length = (np.hypot(np.diff(x), np.diff(y)) * joined).sum(axis=1, keepdims=True)
    return x + 13.5 + 0.5 * r[1], y + 13.5 + 0.5 * r[2], length


def _splat(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How many points lie on each pixel, shared bilinearly among the four around each: float32 [B, 784]."""
    x, y = (np.clip(axis, 2, 24.99) for axis in (x, y))  # two pixels for the blur to spread into
    column, row = x.astype(np.int32), y.astype(np.int32)
    right, down = x - column, y - row
    pixel = row * 28 + column + np.arange(len(x), dtype=np.int32)[:, None] * PIXELS
    corners = [pixel, pixel + 1, pixel + 28, pixel + 29]
    share = [(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down]
    counts = np.bincount(np.stack(corners).ravel(), np.stack(share).ravel(), minlength=len(x) * PIXELS)
    return counts.astype(np.float32).reshape(-1, PIXELS)


def _blur(canvas: np.ndarray, width: np.ndarray) -> np.ndarray:
    """A Gaussian of standard deviation `width` [B, 1], two pixels either way; nothing lies where it could wrap."""
    near, far = np.exp(-0.5 / width**2), np.exp(-2 / width**2)
    total = 1 + 2 * near + 2 * far
    for step in (1, 28):  # along the rows, then down the columns
        blurred = canvas * (1 / total)
        for shift, weight in ((step, near / total), (2 * step, far / total)):
            blurred[:, shift:] += weight * canvas[:, :-shift]
            blurred[:, :-shift] += weight * canvas[:, shift:]
        canvas = blurred
    return canvas
