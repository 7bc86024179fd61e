"""A trace as bytes, and back: the one format on disk, without pickle, with a digest over all of its content.

An npz: the header as JSON; "series/losses"; "0/got/loss/loss"; a sketch as its four parts; "data/train_images", where
the data is carried along. Of a start that the reader has anyway (initial weights, the probe) only the digest is kept,
and it is looked up among `known` arrays.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from parity.compare import sealed
from parity.compare.tensor import Coded, Named, Sketch, Start, Tensor, Whole, digest
from parity.compare.trace import StepTrace, Trace, in_role, of_role
from parity.errors import CannotCompare

FORMAT = 2
WRONG = (TypeError, ValueError, AttributeError, IndexError, OverflowError)  # what a header that is none runs into


def to_bytes(trace: Trace, known: Iterable[np.ndarray] = (), data: Named | None = None) -> bytes:
    """The file's content. Arrays of starts that are among `known` are kept by digest.

    `data`: what the program ran on, to be carried along.
    """
    there = {digest(array) for array in known}
    arrays: Named = in_role("series", trace.series) | in_role("data", data or {})
    bases, starts = {}, {}
    for step, one in trace.steps.items():
        for key, tensor in one.start.items():
            name, base = f"{step}/start/{key}", tensor.base if isinstance(tensor, Coded) else tensor.array
            starts[name] = digest(tensor.array)
            if digest(base) in there:
                bases[name] = digest(base)
            arrays |= _packed(name, tensor, without_base=name in bases)
        for key, tensor in one.got.items():
            arrays |= _packed(f"{step}/got/{key}", tensor)
    header = {**trace.header, "format": FORMAT, "steps": list(trace.steps), "bases": bases, "starts": starts}
    return sealed.to_bytes(header, arrays)


def read(file: Path, known: Iterable[np.ndarray] = ()) -> Trace:
    """The trace in a file. Raises `CannotCompare` as `read_arrays` and `decoded` do."""
    return decoded(file, *read_arrays(file), known)


def decoded(file: Path, header: Mapping[str, Any], arrays: Named, known: Iterable[np.ndarray] = ()) -> Trace:
    """The trace in what `read_arrays` gave. Raises `CannotCompare` where it is based on arrays that are not `known`."""
    there = {digest(array): array for array in known}
    try:
        steps = {int(step): _step(file, header, arrays, step, there) for step in header["steps"]}
    except KeyError as error:
        raise CannotCompare(f"{file} lacks {error.args[0]}") from None
    except WRONG as error:
        raise CannotCompare(f"{file} is not a recording: {type(error).__name__}: {error}") from None
    kept = {key: value for key, value in header.items() if key not in ("bases", "starts", "steps")}
    return Trace(kept, of_role(arrays, "series"), steps)


def read_arrays(file: Path) -> tuple[dict[str, Any], Named]:
    """Header and arrays of a file whose content is what its digest says. Raises `CannotCompare`."""
    return sealed.read(file, FORMAT)


def _packed(name: str, tensor: Tensor | Start, without_base: bool = False) -> Named:
    parts = {f"{name}:{field}": np.asarray(value) for field, value in tensor._asdict().items()}
    base = f"{name}:{'base' if isinstance(tensor, Coded) else 'array'}"
    return {part: array for part, array in parts.items() if not (without_base and part == base)}


def _step(
    file: Path, header: Mapping[str, Any], arrays: Named, step: int, known: Mapping[str, np.ndarray]
) -> StepTrace:
    start = {}
    for key, right in of_role(header["starts"], f"{step}/start").items():
        name = f"{step}/start/{key}"
        base = header["bases"].get(name)
        if base and base not in known:
            raise CannotCompare(f"{file} starts from weights that are not those drawn here: {name}")
        start[key] = _unpacked(arrays, name, known[base] if base else None)
        if digest(start[key].array) != right:
            raise CannotCompare(f"{file}: {name} does not come out as recorded; this machine adds float32 otherwise")
    keys = {part.partition(":")[0] for part in of_role(arrays, f"{step}/got")}
    return StepTrace(start, {key: _unpacked(arrays, f"{step}/got/{key}") for key in sorted(keys)})


def _unpacked(arrays: Named, name: str, base: np.ndarray | None = None) -> Any:
    def part(field: str) -> np.ndarray:
        return arrays[f"{name}:{field}"]

    if f"{name}:codes" in arrays:
        return _fitting(name, Coded(part("base") if base is None else base, part("codes"), part("scale")))
    if f"{name}:sums" in arrays:
        return _sound(name, Sketch(part("sums"), part("rows"), part("values"), tuple(part("shape").tolist())))
    return Whole(part("array") if base is None else base)


def _fitting(name: str, coded: Coded) -> Coded:
    """Raises ValueError where NumPy would make one shape of several, and a large one of small ones."""
    base, codes, scale = coded
    if codes.shape != base.shape or scale.shape != base.shape[:1] or base.ndim == 0:
        raise ValueError(f"{name} has codes {codes.shape} and scales {scale.shape} for {base.shape}")
    return coded


def _sound(name: str, sketch: Sketch) -> Sketch:
    """Raises ValueError where the rows are none of the shape's."""
    sums, rows, values, shape = sketch
    sides = bool(shape) and all(type(side) is int and side >= 0 for side in shape)
    numbers = rows.ndim == 1 and rows.dtype.kind == "i" and sums.ndim == 1 and sums.dtype.kind == "f" and sums.size > 0
    if not sides or not numbers or values.shape != (len(rows), *shape[1:]):
        raise ValueError(f"{name} has rows {values.shape} of {shape}")
    if len(rows) and not 0 <= rows.min() <= rows.max() < shape[0]:
        raise ValueError(f"{name} has rows beyond {shape}")
    return sketch
