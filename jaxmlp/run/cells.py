"""What a sweep found, a cell a program: results.json, read back as strictly as it is written, and results.csv."""

import csv
import hashlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_origin, get_type_hints

from jaxmlp.data import Dataset
from jaxmlp.errors import ConfigError, DataError
from jaxmlp.program import Program
from jaxmlp.program.fields import members
from jaxmlp.run.files import make_folder, read_json, write_json, write_whole

MNIST = "c59f35adde1eb751871c11f64b22fd4cf96b6c0f4af0969e30e0607eb289dc27"  # `digest` of the four original files
NO_COLUMN = ("settings", "program")  # of results.csv, where each setting is a column


class Cell(NamedTuple):
    """What became of one program. Accuracies in percent; None where it ended before they were measured."""

    settings: dict[str, str]  # field -> word, as `--grid` takes them
    seed: int
    steps: int
    data: str
    final_loss: float | None
    train_accuracy: float | None
    test_accuracy: float | None
    diverged_at: int | None  # the first step whose loss is not finite
    failure: str | None  # what else ended it
    seconds: float
    program: dict[str, Any]  # `Program.as_dict`
    program_digest: str
    data_digest: str

    @property
    def done(self) -> bool:
        """Whether it would end the same way again: what failed is tried anew."""
        return self.failure is None


def digest(dataset: Dataset) -> str:
    """SHA-256 of all pixels and labels: the same data from another folder is the same data."""
    found = hashlib.sha256()
    for array in (*dataset.train, *dataset.test):
        found.update(f"{array.dtype} {array.shape};".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def is_mnist(dataset: Dataset) -> bool:
    """Whether these are MNIST's own arrays, whole and in its order, whatever `source` says they are."""
    return digest(dataset) == MNIST


def require_new(path: Path, resume: bool) -> None:
    """Raises ConfigError where an earlier result is there and is not to be gone on from."""
    if path.exists() and not resume:
        raise ConfigError(f"{path} is there already: add --resume to keep its finished cells, or give another --out")


def read_cells(folder: Path, resume: bool) -> list[Cell]:
    """The cells an earlier sweep left in `folder`. Raises ConfigError where --resume is missing or they are damaged."""
    path = folder / "results.json"
    require_new(path, resume)
    if not path.exists():
        return []
    try:
        content = read_json(path)
        if not isinstance(content, list):
            raise ValueError("it is no list")
        return [_cell(fields) for fields in content]
    except (DataError, ConfigError, ValueError) as error:
        raise ConfigError(f"{path} is not a sweep's results ({error}); remove it or give another --out") from None


def write_cells(folder: Path, cells: Sequence[Cell]) -> None:
    """results.json and results.csv, each whole or not at all. Raises OutputError naming the path."""
    rows = [cell._asdict() for cell in cells]
    flat = [{**row["settings"], **{k: v for k, v in row.items() if k not in NO_COLUMN}} for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in flat for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    make_folder(folder)
    write_json(folder / "results.json", rows)
    write_whole(folder / "results.csv", text.getvalue().encode())


def _cell(fields: Any) -> Cell:
    """Raises ValueError unless every field is there, of its type and finite, and no other; ConfigError likewise."""
    if not isinstance(fields, dict) or fields.keys() != set(Cell._fields):
        raise ValueError(f"a cell is a table of {', '.join(Cell._fields)}")
    for name, hint in get_type_hints(Cell).items():
        if not _is(fields[name], tuple(get_origin(one) or one for one in members(hint))):
            raise ValueError(f"{name} = {fields[name]!r}")
    if not all(isinstance(word, str) for word in fields["settings"].values()):
        raise ValueError(f"settings = {fields['settings']!r}")
    if Program.from_dict(fields["program"]).digest() != fields["program_digest"]:
        raise ValueError("a program_digest that is another program's")
    return Cell(**fields)


def _is(value: Any, kinds: tuple[type, ...]) -> bool:
    """Whether it is of one of the types: a whole number is a float too, a truth value or NaN is no number."""
    if float in kinds and type(value) in (int, float):
        return abs(value) <= sys.float_info.max
    return type(value) in kinds
