"""What a sweep found, a cell a configuration: results.json, read back as strictly as it is written, and results.csv."""

import csv
import hashlib
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_type_hints

from jaxmlp.data import Dataset
from jaxmlp.errors import ConfigError, DataError
from jaxmlp.run.files import make_folder, read_json, write_json, write_whole

MNIST = "c59f35adde1eb751871c11f64b22fd4cf96b6c0f4af0969e30e0607eb289dc27"  # its `digest`


class Cell(NamedTuple):
    """What became of one configuration. Accuracies in percent; None where it diverged before they were measured."""

    hidden: int
    learning_rate: float
    steps: int
    seed: int
    data: str
    final_loss: float | None
    train_accuracy: float | None
    test_accuracy: float | None
    diverged_at: int | None  # the first step whose loss is not finite
    seconds: float
    program_digest: str
    data_digest: str


def digest(dataset: Dataset) -> str:
    """SHA-256 of all pixels and labels: the same data from another folder is the same data."""
    found = hashlib.sha256()
    for array in (*dataset.train, *dataset.test):
        found.update(f"{array.dtype} {array.shape};".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def is_mnist(dataset: Dataset) -> bool:
    """Whether these are all of MNIST, in its order, whatever the source says."""
    return digest(dataset) == MNIST


def read_cells(folder: Path, resume: bool) -> list[Cell]:
    """The cells an earlier sweep left in `folder`. Raises ConfigError where --resume is missing or they are damaged."""
    path = folder / "results.json"
    if not path.exists():
        return []
    if not resume:
        raise ConfigError(f"{path} is there already: add --resume to keep its finished cells, or give another --out")
    try:
        content = read_json(path)
        if not isinstance(content, list):
            raise ValueError("it is no list")
        return [_cell(fields) for fields in content]
    except (DataError, ValueError) as error:
        raise ConfigError(f"{path} is not a sweep's results ({error}); remove it or give another --out") from None


def write_cells(folder: Path, cells: Sequence[Cell]) -> None:
    """results.json and results.csv, each whole or not at all. Raises OutputError naming the path."""
    rows = [cell._asdict() for cell in cells]
    text = io.StringIO()
    writer = csv.DictWriter(text, Cell._fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    make_folder(folder)
    write_json(folder / "results.json", rows)
    write_whole(folder / "results.csv", text.getvalue().encode())


def _cell(fields: Any) -> Cell:
    """Raises ValueError unless every field is there, of its type and finite, and no other."""
    if not isinstance(fields, dict) or fields.keys() != set(Cell._fields):
        raise ValueError(f"a cell is a table of {', '.join(Cell._fields)}")
    for name, hint in get_type_hints(Cell).items():
        if not _is(fields[name], get_args(hint) or (hint,)):
            raise ValueError(f"{name} = {fields[name]!r}")
    return Cell(**fields)


def _is(value: Any, kinds: tuple[type, ...]) -> bool:
    """Whether it is of one of the types: a whole number is a float too, a truth value or NaN is no number."""
    if float in kinds and type(value) in (int, float):
        return math.isfinite(value)
    return type(value) in kinds
