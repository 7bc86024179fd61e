"""Whether data are pixels, and what they were divided by."""

import numpy as np

from parity.subject.port_writer.expression import INPUT, Expression, NotWritten, is_number, walk
from parity.subject.port_writer.family_layers import is_pixels
from parity.subject.port_writer.read import Read

BYTE = 255


def scale_of(read: Read, images: Expression) -> int:
    """What the pixels, whole numbers from 0 to 255, were divided by before they were fed, or in the graph."""
    arrays = [one["batch"][images.value] for one in read.reading.starts] if images.op == INPUT else [images.value]
    if all(is_bytes(array) for array in arrays):
        return BYTE if _is_divided(read.loss) else 1
    if all(is_bytes(array * BYTE) for array in arrays) and not _is_divided(read.loss):
        return BYTE
    raise NotWritten("data that are no pixels: whole numbers from 0 to 255, or these over 255")


def _is_divided(loss: Expression) -> bool:
    quotients = (one for one in walk(loss) if one.op == "/")
    return any(is_pixels(one.inputs[0]) and is_number(one.inputs[1], BYTE) for one in quotients)


def is_bytes(array: np.ndarray) -> bool:
    """But for rounding."""
    wide = np.asarray(array, np.float64)
    near = np.abs(wide - np.rint(wide)).max(initial=0) <= BYTE * 2.0**-23
    return bool(near and wide.min(initial=0) >= -0.5 and wide.max(initial=0) <= BYTE + 0.5)
