"""TensorArrays and TensorLists: what loops fill, an element a turn.

TensorFlow hands on a handle and a "flow", a number that orders writes behind one another. Here the flow is the array
itself, as it is by then, and the handle says nothing.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from parity.subject.graph.values import Op, Value, dtype, library, number, plain, sides, static

Attributes = Mapping[str, Any]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Elements:
    """None: nothing has been written there."""

    held: tuple[Value | None, ...]

    def read(self, index: Value) -> Value:
        """One element."""
        found = self._at(number(index, "index"))
        if found is None:
            raise ValueError(f"its element {index} is read, and nothing was written there")
        return found

    def _at(self, place: int) -> Value | None:
        return self.held[place] if 0 <= place < len(self.held) else None

    def written(self, index: Value, value: Value) -> "Elements":
        """With this element there; longer where it lies behind the end."""
        place = number(index, "index")
        longer = [*self.held, *[None] * (place + 1 - len(self.held))]
        longer[place] = value
        return Elements(tuple(longer))

    def together(self, indices: Value, attributes: Attributes) -> Value:
        """Those of these indices, along a new first axis; zeros where a loop that ended early wrote nothing."""
        parts = [self._at(place) for place in sides(indices, "indices")]
        written = [one for one in parts if one is not None]
        shape = np.shape(written[0]) if written else tuple(attributes.get("element_shape") or ())
        zeros = np.zeros(shape, dtype(attributes["dtype"]))
        filled = [zeros if one is None else one for one in parts]
        return library(*written).stack(filled) if filled else np.zeros((0, *shape), zeros.dtype)


def _empty(size: Value) -> Elements:
    return Elements((None,) * number(size, "size"))


def _made(_: Attributes, size: Value) -> tuple[Elements, Elements]:
    array = _empty(size)
    return array, array  # handle and flow


def _scattered(_: Attributes, __: Value, indices: Value, values: Value, flow: Elements) -> Elements:
    for row, index in enumerate(static(indices, "indices")):
        flow = flow.written(index, values[row])
    return flow


def _joined(attributes: Attributes, _: Value, flow: Elements) -> tuple[Value, np.ndarray]:
    """All elements along their first axis, and how long each is."""
    parts = [flow.read(i) for i in range(len(flow.held))]
    return library(*parts).concatenate(parts), np.array([np.shape(one)[0] for one in parts], np.int64)


def _split(_: Attributes, __: Value, value: Value, lengths: Value, flow: Elements) -> Elements:
    ends = np.cumsum(static(lengths, "lengths"))[:-1]
    return Elements(tuple(library(value).split(value, ends)))


def _all(attributes: Attributes, held: Elements, *_: Value) -> Value:
    of = {"dtype": attributes["element_dtype"]}
    return held.together(np.arange(len(held.held)), of)


def _some(attributes: Attributes, held: Elements, indices: Value, *_: Value) -> Value:
    return held.together(indices, {"dtype": attributes["element_dtype"]})


def _length(flow: Elements) -> np.ndarray:
    return np.array(len(flow.held), np.int32)


def _popped(_: Attributes, held: Elements, *__: Value) -> tuple[Elements, Value]:
    return Elements(held.held[:-1]), held.read(len(held.held) - 1)


TABLE: dict[str, Op] = {
    "TensorArrayV3": _made,
    "TensorArrayWriteV3": lambda _, __, index, value, flow: flow.written(index, value),
    "TensorArrayReadV3": lambda _, __, index, flow: flow.read(index),
    "TensorArrayGatherV3": lambda attributes, _, indices, flow: flow.together(indices, attributes),
    "TensorArrayScatterV3": _scattered,
    "TensorArrayConcatV3": _joined,
    "TensorArraySplitV3": _split,
    "TensorArraySizeV3": lambda _, __, flow: _length(flow),
    "TensorArrayCloseV3": lambda _, *__: (),
    "TensorListReserve": lambda _, __, many: _empty(many),
    "EmptyTensorList": lambda _, *__: Elements(()),
    "TensorListFromTensor": lambda _, values, *__: Elements(tuple(values[i] for i in range(np.shape(values)[0]))),
    "TensorListSetItem": lambda _, held, index, value: held.written(index, value),
    "TensorListGetItem": lambda _, held, index, *__: held.read(index),
    "TensorListPushBack": lambda _, held, value: Elements((*held.held, value)),
    "TensorListPopBack": _popped,
    "TensorListStack": _all,
    "TensorListGather": _some,
    "TensorListLength": plain(_length),
}
