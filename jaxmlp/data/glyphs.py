"""The pen's paths: a few ways of writing each digit, as points along its strokes, for `jaxmlp.data.generated`.

A stroke is a smooth curve through its points; where the pen turns sharply or is lifted, a new one begins.
"""

from typing import NamedTuple

import numpy as np

POINTS = 96  # per glyph; half a pixel apart on the longest (an 8 of 50 pixels), so that ink has no gaps


class Glyphs(NamedTuple):
    """All ways of writing all digits, each as `POINTS` points evenly spaced along its strokes."""

    points: np.ndarray  # float32 [G, 2, POINTS], x to the right, y down, about 0…1
    joined: np.ndarray  # float32 [G, POINTS-1], 0 where the pen is lifted between a point and the next, else 1
    first: np.ndarray  # int64 [10], the first glyph of each digit; a digit's glyphs are neighbours
    count: np.ndarray  # int64 [10], how many each digit has


def glyphs() -> Glyphs:
    """The table below, sampled."""
    ways = _WAYS.splitlines()
    outlines = [_even(way.split(": ")[1]) for way in ways]
    count = np.bincount([int(way[0]) for way in ways])
    points, joined = (np.stack(part).astype(np.float32) for part in zip(*outlines, strict=True))
    return Glyphs(points, joined, np.cumsum(count) - count, count)


def _even(glyph: str) -> tuple[np.ndarray, np.ndarray]:
    """`POINTS` points at equal distances along all strokes together [2, POINTS], and which are joined to the next."""
    strokes = [[point.split(",") for point in stroke.split()] for stroke in glyph.split("|")]
    curves = [_smooth(np.array(stroke, float) / 100) for stroke in strokes]
    xy = np.concatenate(curves)
    stroke = np.repeat(np.arange(len(curves)), [len(curve) for curve in curves])
    step = np.hypot(*np.diff(xy, axis=0).T) * (np.diff(stroke) == 0)  # a lift has no length
    along = np.concatenate([[0.0], np.cumsum(step)])
    along += 1e-9 * np.arange(len(along))  # strictly increasing, as interpolation needs at lifts
    at = (np.arange(POINTS) + 0.5) * (along[-1] / POINTS)
    points = np.stack([np.interp(at, along, xy[:, axis]) for axis in (0, 1)])
    owner = stroke[np.searchsorted(along, at)]
    return points, np.diff(owner) == 0


def _smooth(knots: np.ndarray) -> np.ndarray:
    """A Catmull-Rom curve through the knots [K, 2], 16 points a span; two knots are a straight line."""
    ends = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    a, b, c, d = (ends[i : len(ends) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, 17)[:-1, None]
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.concatenate([curve.reshape(-1, 2), knots[-1:]])


# "digit way: outline", in hundredths: "x,y" a point, "|" between strokes.
_WAYS = """\
0 closed: 58,2 30,10 14,36 14,66 30,93 54,97 78,82 87,50 80,18 58,2
0 overlapping at the top: 58,2 30,10 14,36 14,66 30,93 54,97 78,82 87,50 82,22 62,6 42,10 32,20
1 bare stroke: 50,0 50,100
1 curved stroke: 52,0 51,50 49,100
1 with a flag: 30,22 42,14 52,0 | 52,0 52,100
1 with flag and foot: 28,24 42,14 52,0 | 52,0 52,100 | 24,100 80,100
2 sharp foot: 15,24 28,6 52,0 76,10 80,32 64,56 38,80 12,100 | 12,100 50,98 90,98
2 looped foot: 16,20 34,3 58,2 76,16 74,38 56,64 34,88 18,96 8,88 16,76 34,78 54,92 74,98 94,88
3 round: 16,14 36,1 62,2 76,18 70,36 52,46 36,48 | 36,48 60,50 80,62 82,80 64,96 38,100 14,88
3 flat top: 16,2 76,2 | 76,2 42,42 | 42,42 66,46 82,64 78,86 54,100 30,99 12,88
4 open at the top: 24,2 18,30 14,54 | 14,54 50,56 86,50 | 76,0 70,50 66,100
4 closed: 62,0 36,34 8,66 | 8,66 92,64 | 62,0 62,100
4 in two curves: 22,4 14,30 22,46 46,50 74,40 | 80,0 76,40 70,100
5 bar last: 26,4 22,24 20,44 | 20,44 44,36 70,44 82,64 74,86 50,99 28,98 10,86 | 26,4 56,3 86,0
5 in one go: 80,0 50,2 30,6 | 30,6 26,24 34,38 56,48 72,62 72,82 54,97 32,99 14,90
6 leaning: 62,0 38,22 22,50 20,78 36,97 60,97 76,80 70,60 52,52 34,60 22,76
6 curled at the top: 80,8 60,0 36,14 20,42 18,72 34,96 58,98 78,84 78,62 58,48 36,54 22,68
7 bare: 12,6 50,5 86,2 | 86,2 64,42 44,100
7 with a hook: 12,22 16,6 | 16,6 84,4 | 84,4 70,40 62,100
7 with a bar across the stem: 12,4 84,2 | 84,2 60,44 40,100 | 34,52 84,48
8 in one go from the top: 74,14 52,0 28,10 26,30 50,47 76,66 76,88 52,100 26,90 24,68 50,46 70,30 74,14
8 two rings: 50,0 28,10 28,36 50,46 72,36 72,10 50,0 | 50,46 22,58 20,86 50,100 80,86 78,58 50,46
9 straight stem: 74,18 56,2 34,6 22,24 28,44 50,50 68,38 75,18 | 75,16 72,50 64,100
9 curved stem: 76,24 62,4 38,2 22,20 26,42 48,50 68,40 76,22 | 76,20 80,50 74,82 52,100 26,94
"""
