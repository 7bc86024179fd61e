"""A recording as one file, and back: every tensor once, as what it differs by from what is known already.

An array is kept under its digest, so that what a step starts with, where the step before ended with it, costs nothing;
nor does a gradient that arrives as it is. A variable is kept as its distance from the value last recorded, and after a
step from what the optimizer's rule makes of the gradient (`predicted.py`), in byte planes (`planes.py`); a gradient as
its distance from the batch times a small matrix (`ways.py`). Every tensor's digest is checked again when it is
read.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from parity.compare import npz, sealed
from parity.compare.recorded import limits, predicted
from parity.compare.recorded.clips import Clipping
from parity.compare.recorded.planes import planes, unplaned
from parity.compare.recorded.recording import Graph, Program, Recording
from parity.compare.recorded.ways import Ways
from parity.compare.tensor import Named, Whole, digest
from parity.compare.trace import StepTrace, Trace
from parity.errors import CannotCompare

FORMAT = 102  # beyond those of `archive.py`, which keeps other recordings in the same container
NAME = "recording.npz"
WRONG = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    OverflowError,
)  # what a header that is none runs into


def to_bytes(recording: Recording) -> bytes:
    """The file's content."""
    kept = _Kept({}, {}, {})
    for i, graph in enumerate(recording.graphs):
        kept.put_all(f"const|{i}", graph.constants)
    programs = [_put(kept, i, program) for i, program in enumerate(recording.programs)]
    header = {
        "format": FORMAT,
        "provenance": dict(recording.provenance),
        "programs": programs,
        "graphs": [[list(graph.nodes), dict(graph.functions)] for graph in recording.graphs],
        "tensors": kept.digests,
        "kinds": kept.kinds,
    }
    return sealed.to_bytes(header, kept.planes)


def read(file: Path) -> Recording:
    """The recording in a file. Raises `CannotCompare` for one that is damaged, of another format, or none at all."""
    header, arrays, content = sealed.opened(file, FORMAT)
    try:
        known = _Known(file, header["tensors"], header["kinds"], arrays, len(header["graphs"]), {})
        told = enumerate(header["graphs"])
        graphs = [Graph(nodes, known.below(f"const|{i}|"), functions) for i, (nodes, functions) in told]
        programs = [_program(known, i, one) for i, one in enumerate(header["programs"])]
        return Recording(header["provenance"], programs, graphs, content)
    except WRONG as error:
        raise CannotCompare(f"{file} is no recording of a program: {error!r}; adopt the script again") from None


class _Kept(NamedTuple):
    """What has been put into a file."""

    digests: dict[str, str]  # by key
    kinds: dict[str, list[Any]]  # by digest: dtype, shape
    planes: dict[str, np.ndarray]  # by digest

    def put(self, key: str, array: np.ndarray, near: np.ndarray | None = None) -> None:
        """Nothing but a name, if the same array is there already."""
        found = self.digests[key] = digest(array)
        if found not in self.planes:
            self.kinds[found] = [array.dtype.str, list(array.shape)]
            self.planes[found] = planes(array, _like(array.dtype, array.shape, near))

    def put_all(self, head: str, arrays: Mapping[str, np.ndarray]) -> None:
        for name, array in arrays.items():
            self.put(f"{head}|{name}", np.asarray(array))


def _put(kept: _Kept, number: int, program: Program) -> dict[str, Any]:
    """A program's arrays, and what the header says of it."""
    kept.put_all(f"series|{number}", program.trace.series)
    last: Named = {}
    told: dict[str, Any] = {}
    for step, one in program.trace.steps.items():
        ways = Ways.of(one)
        kept.put_all(f"back|{number}|{step}", ways.arrays())
        told[str(step)] = ways.told()
        for part, key, near in _walk(program, one, last, ways):
            kept.put(f"step|{number}|{step}|{part}|{key}", getattr(one, part)[key].array, near)
    for step, sampled in program.limits.items():
        kept.put_all(f"limits|{number}|{step}", limits.to_arrays(sampled))
    clipping = program.clipping and [program.clipping.fields]  # a list of nothing: the gradient arrives as it is
    header = {key: value for key, value in program.trace.header.items() if key != "side"}
    fields = {"fields": dict(program.fields), "header": header, "graph": program.graph, "clipping": clipping}
    free = {str(step): dict(keys) for step, keys in program.free.items()}
    return {**fields, "ways": told, "free": free}


Near = np.ndarray | None


def _walk(program: Program, one: StepTrace, last: Named, ways: Ways) -> Iterator[tuple[str, str, Near]]:
    """The tensors of a step in the order in which they are kept: part, key, and what each is near to.

    The reader walks likewise, so `one` may be filled in on the way. `last`: the variables' values recorded last.
    """
    for key in list(one.start):
        yield "start", key, last.get(key) if predicted.is_variable(key) else None
    results = [key for key in one.got if not predicted.is_variable(key)]
    for key in sorted(results, key=lambda key: key in ways.factors):  # first what others come from
        yield "got", key, ways.near(one, key)
    near = predicted.after(program.updates, one._replace(got={key: one.got[key] for key in results}))
    for key in [key for key in one.got if predicted.is_variable(key)]:
        yield "got", key, near.get(key)
        last[key] = one.got[key].array


class _Known(NamedTuple):
    """What has been read of a file."""

    file: Path
    digests: Mapping[str, str]
    kinds: Mapping[str, Any]
    planes: Named
    graphs: int
    found: dict[str, np.ndarray]  # by digest

    def get(self, key: str, near: np.ndarray | None = None) -> np.ndarray:
        """Raises `CannotCompare` where it comes out other than recorded, and as `unplaned` does."""
        right = self.digests[key]
        if right not in self.found:
            dtype, shape = np.dtype(self.kinds[right][0]), tuple(self.kinds[right][1])
            _require_kind(dtype, shape, self.planes[right])
            array = unplaned(self.planes[right], dtype, shape, _like(dtype, shape, near))
            if digest(array) != right:
                raise CannotCompare(f"{self.file}: {key} does not come out as recorded: adopt the script again here")
            self.found[right] = array
        return self.found[right]

    def below(self, head: str) -> Named:
        return {key.removeprefix(head): self.get(key) for key in self.digests if key.startswith(head)}


def _require_kind(dtype: np.dtype, shape: tuple[int, ...], kept: np.ndarray) -> None:
    """Raises ValueError unless the planes are of this dtype and shape, and nothing that would be unpickled."""
    if dtype.kind not in npz.KINDS or dtype.hasobject or kept.dtype != np.uint8:
        raise ValueError(f"a tensor of {dtype} in {kept.dtype}")
    if any(not isinstance(side, int) or side < 0 for side in shape) or kept.size != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"a tensor {shape} of {dtype} in {kept.size} bytes")


def _like(dtype: np.dtype, shape: tuple[int, ...], near: np.ndarray | None) -> np.ndarray | None:
    """Only what has the same kind can be near."""
    return near if near is not None and (near.dtype, near.shape) == (dtype, shape) else None


def _program(known: _Known, number: int, told: Mapping[str, Any]) -> Program:
    clipping = told["clipping"] and Clipping(told["clipping"][0])
    trace = Trace({"side": "reference", **told["header"]}, known.below(f"series|{number}|"), {})
    free = {int(step): {key: float(norm) for key, norm in keys.items()} for step, keys in told["free"].items()}
    program = Program(told["fields"], trace, range(known.graphs)[told["graph"]], {}, clipping, free)
    last: Named = {}
    steps = {}
    for step in map(int, told["fields"]["steps"]):
        ways = Ways.read(told["ways"][str(step)], known.below(f"back|{number}|{step}|"))
        steps[step] = _step(known, program, f"step|{number}|{step}|", last, ways)
    sampled = {step: known.below(f"limits|{number}|{step}|") for step in steps}
    there = {step: limits.of_arrays(arrays) for step, arrays in sampled.items() if arrays}
    return program._replace(trace=trace._replace(steps=steps), limits=there)


def _step(known: _Known, program: Program, head: str, last: Named, ways: Ways) -> StepTrace:
    one = StepTrace({}, {})
    for key in known.digests:
        if key.startswith(head):
            part, _, name = key.removeprefix(head).partition("|")
            getattr(one, part)[name] = NOTHING
    for part, key, near in _walk(program, one, last, ways):
        getattr(one, part)[key] = Whole(known.get(f"{head}{part}|{key}", near))
    return one


NOTHING = Whole(np.zeros(0))  # stands for what has not been read yet
