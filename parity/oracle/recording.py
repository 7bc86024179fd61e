"""Runs of genuine TensorFlow 1.15.5 kept in the repository, for machines where no TensorFlow can be had.

One file a seed (`python -m parity record` writes them): full float bits of the whole free run; and of single steps the
loss, the count, small tensors whole and large ones as sketches. A recording proves nothing about another program, other
data or other hyperparameters, and is refused there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from parity.compare.archive import decoded, read_arrays
from parity.compare.probe import PROBE
from parity.compare.trace import Trace, cut, data_digests
from parity.errors import CannotCompare
from parity.oracle.ask import Case

UNCOUNTED = ("steps", "report_every")  # a recording serves shorter runs too
FOLDER = Path(__file__).parent.parent / "recordings"


def path(seed: int) -> Path:
    """Where the recording of a seed lies."""
    return FOLDER / f"seed{seed}.npz"


def seeds() -> list[int]:
    """Those that are recorded."""
    return sorted(int(file.stem.removeprefix("seed")) for file in FOLDER.glob("seed*.npz"))


def trace(case: Case, known: Iterable[np.ndarray], steps: Sequence[int]) -> Trace:
    """The recorded reference: as many free steps as the program has, those of `steps` that were recorded, the probe.

    `known`: arrays that the recording need not hold, the initial weights and the probe's. Raises `CannotCompare`: no
    recording of this seed; one of another program, other data, or fewer steps.
    """
    kept = _current(case, known)
    recorded = {step: one for step, one in kept.steps.items() if step in steps or step == PROBE}
    if list(recorded) == [PROBE]:
        asked = f"{list(steps)} was recorded for seed {case.program['seed']}"
        raise CannotCompare(f"none of the steps {asked}: there are {list(kept.steps)}")
    told = {**kept.header, "who": f"the recorded {kept.header['who']}"}
    return Trace(told, _free(kept, case.program["steps"]), recorded)


def free_run(case: Case, known: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    """The series of the recorded free run. Raises `CannotCompare` as `trace` does."""
    return _free(_current(case, known), case.program["steps"])


def _current(case: Case, known: Iterable[np.ndarray]) -> Trace:
    """The recording of the seed, if it is of this program and this data."""
    file = path(case.program["seed"])
    if not file.exists():
        listed = f"recorded are seeds {', '.join(map(str, seeds()))}" if seeds() else "nothing is recorded"
        raise CannotCompare(f"no TensorFlow, and no recording {file.name}: {listed}")
    header, arrays = read_arrays(file)
    if header.get("side") != "reference":
        raise CannotCompare(f"{file} is not of a reference: {header.get('who')}")
    if header["program_digest"] != case.digest:
        raise CannotCompare(f"the recording is of {_difference(header['program'], case.program)}")
    for name, right in data_digests(case.data).items():
        if header["digests"][name] != right:
            raise CannotCompare(f"the recording is of another data set ({header['source']}): its {name} are not these")
    return decoded(file, header, arrays, known)


def _difference(recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """The first field in which two programs differ, and both values."""
    theirs, ours = dict(_flat(recorded)), dict(_flat(asked))
    for name in [*theirs, *ours]:
        if name not in UNCOUNTED and theirs.get(name) != ours.get(name):
            return f"{name} {theirs.get(name)}, and {name} {ours.get(name)} was asked for"
    return "another program; record it again"


def _flat(fields: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Nested fields by dotted names."""
    if not isinstance(fields, Mapping | list | tuple):
        yield name, fields
        return
    inner = fields.items() if isinstance(fields, Mapping) else enumerate(fields, 1)
    for key, value in inner:
        yield from _flat(value, f"{name}.{key}".strip("."))


def _free(kept: Trace, steps: int) -> dict[str, np.ndarray]:
    recorded = len(kept.series["losses"])
    if steps > recorded:
        raise CannotCompare(f"{steps} free steps were asked for, {recorded} are recorded")
    return cut(kept.series, steps)
