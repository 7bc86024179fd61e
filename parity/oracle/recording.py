"""Runs of genuine TensorFlow 1.15.5 kept in the repository, for machines where no TensorFlow can be had.

One file a seed and data set (`python -m parity record` writes them): full float bits of the whole free run; and of
single steps the loss, the count, small tensors whole and large ones as sketches. A recording proves nothing about
another program, other data or other hyperparameters, and is refused there. On generated digits it carries them along,
for they are drawn in floating point, which not every machine rounds alike.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from parity.compare.archive import decoded, read_arrays
from parity.compare.probe import PROBE
from parity.compare.tensor import Named
from parity.compare.trace import Trace, cut, data_digests, of_role
from parity.errors import CannotCompare
from parity.oracle.ask import Case
from parity.oracle.environment import VERSION, require_version

UNCOUNTED = ("steps", "report_every")  # a recording serves shorter runs too
FOLDER = Path(__file__).parent.parent / "recordings"


def path(seed: int, data: str = "") -> Path:
    """Where the recording of a seed lies; `data`: what it runs on, where that is not MNIST."""
    return FOLDER / f"{f'{data}-' if data else ''}seed{seed}.npz"


def seeds() -> list[int]:
    """Those that are recorded on MNIST."""
    return sorted(int(file.stem.removeprefix("seed")) for file in FOLDER.glob("seed*.npz"))


def there_is(case: Case) -> bool:
    """Whether one is of this program, seed and data. Raises `CannotCompare` for a damaged file."""
    return any(_fits(read_arrays(file)[0], case) for file in _files(case.program["seed"]))


def data_of(file: Path) -> Named:
    """What a recording runs on, where it carries that, as `Case.data`. Raises `CannotCompare`."""
    return of_role(read_arrays(file)[1], "data")


def trace(case: Case, known: Iterable[np.ndarray], steps: Sequence[int]) -> Trace:
    """The recorded reference: as many free steps as the program has, those of `steps` that were recorded, the probe.

    `known`: arrays that the recording need not hold, the initial weights and the probe's. Raises `CannotCompare`: no
    recording of this seed; one of another program, other data, another TensorFlow, or fewer steps.
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
    """The recording of the seed on this data, if it is of this program and by genuine TensorFlow."""
    seed, files, others = case.program["seed"], _files(case.program["seed"]), []
    for file in files:
        header, arrays = read_arrays(file)
        if header.get("side") != "reference":
            raise CannotCompare(f"{file} is not of a reference: {header.get('who')}")
        require_version(header["provenance"]["tensorflow"], VERSION, str(file), "record it again")
        if _on(header, case):
            if header["program_digest"] != case.digest:
                raise CannotCompare(f"the recording is of {_difference(header['program'], case.program)}")
            return decoded(file, header, arrays, known)
        others.append(f"{header['source']} (its {_other_data(header, case)} are not these)")
    if others:
        raise CannotCompare(f"no recording of seed {seed} runs on {case.source}; there are {' and '.join(others)}")
    kept = sorted(file.stem for file in FOLDER.glob("*seed*.npz"))
    listed = f"recorded are {', '.join(kept)}" if kept else "nothing is recorded"
    raise CannotCompare(f"no recording is of seed {seed}: {listed}")


def _files(seed: int) -> list[Path]:
    """On MNIST first."""
    return sorted(FOLDER.glob(f"*seed{seed}.npz"), key=lambda file: file != path(seed))


def _fits(header: Mapping[str, Any], case: Case) -> bool:
    return header.get("program_digest") == case.digest and _on(header, case)


def _on(header: Mapping[str, Any], case: Case) -> bool:
    return _other_data(header, case) is None


def _other_data(header: Mapping[str, Any], case: Case) -> str | None:
    """What of the data is other bits than recorded, as a person calls it: the first."""
    digests = data_digests(case.data).items()
    return next((name for name, right in digests if header["digests"][name] != right), None)


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
