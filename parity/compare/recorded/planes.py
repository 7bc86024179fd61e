"""An array as the byte planes of how its bits differ from an array that is near it; what deflate then finds small.

The bits are taken as whole numbers, so that what is a unit in the last place away differs by 1. Without an array that
is near, it differs from 0: then the first plane holds the exponents, which are much alike, and the last ones hold what
nothing compresses.
"""

import numpy as np

UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


def planes(array: np.ndarray, near: np.ndarray | None = None) -> np.ndarray:
    """uint8 [itemsize, n]; [n * itemsize] where there are no whole numbers of so many bytes, as for text."""
    if array.itemsize not in UNSIGNED or array.dtype.kind not in "biuf":
        return np.frombuffer(array.tobytes(), np.uint8)
    apart = _bits(array) - (0 if near is None else _bits(near))
    top = apart.dtype.type(8 * array.itemsize - 1)
    folded = (apart << apart.dtype.type(1)) ^ (apart.dtype.type(0) - (apart >> top))  # 0, -1, 1, -2, … as 0, 1, 2, 3
    return np.ascontiguousarray(
        folded.astype(folded.dtype.newbyteorder(">")).view(np.uint8).reshape(-1, array.itemsize).T
    )


def unplaned(kept: np.ndarray, dtype: np.dtype, shape: tuple[int, ...], near: np.ndarray | None = None) -> np.ndarray:
    """The array again. Raises ValueError where the planes are not those of its dtype and shape."""
    if dtype.itemsize not in UNSIGNED or dtype.kind not in "biuf":
        return np.frombuffer(kept.tobytes(), dtype).reshape(shape).copy()
    unsigned = np.dtype(UNSIGNED[dtype.itemsize])
    folded = np.ascontiguousarray(kept.T).view(unsigned.newbyteorder(">")).astype(unsigned).reshape(-1)
    one = unsigned.type(1)
    apart = (folded >> one) ^ (unsigned.type(0) - (folded & one))
    return (apart + (0 if near is None else _bits(near))).astype(unsigned).view(dtype).reshape(shape)


def _bits(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(-1).view(UNSIGNED[array.itemsize])
