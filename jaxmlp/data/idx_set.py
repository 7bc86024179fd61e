"""`--data idx:DIR`: any set in four IDX files: Fashion-MNIST, KMNIST, QMNIST, a variant of EMNIST, one's own."""

import os
from pathlib import Path

from jaxmlp.checks import form_of
from jaxmlp.data.classes import of_labels, upright
from jaxmlp.data.dataset import Dataset
from jaxmlp.data.folder import Four, fours, holds, listed, require_folder, whole_below
from jaxmlp.data.idx import read_split
from jaxmlp.errors import DataError

_RIGHT = "name the folder with the set's four IDX files"


def load_idx(folder: Path) -> Dataset:
    """The set of the four files in the folder, in their order; `DIR/emnist-letters` chooses one of several in DIR.

    EMNIST, known by the names of its files, is turned upright. Raises `DataError` naming the folder or the file.
    """
    four = _chosen(folder)
    train_images, train_labels, test_images, test_labels = four.paths()
    train, test = read_split(train_images, train_labels), read_split(test_images, test_labels)
    source = f"{four.name or 'IDX files'} from {four.folder}"
    if four.name.startswith("emnist"):
        train, test, source = upright(train), upright(test), f"{source}, transposed to stand upright"
    return of_labels(train, test, source, four.name)


def _chosen(folder: Path) -> Four:
    """The one complete set that is meant."""
    if not os.path.exists(folder) and os.path.isdir(folder.parent):
        return _named(folder)
    form = f"; did you mean --data {form_of(str(folder))}?" if os.path.isfile(folder) else ""
    require_folder(folder, f"{folder}", f"{_RIGHT}{form}")
    here = fours(folder)
    found = [four for four in here if four.complete] or whole_below(folder)
    if len(found) > 1:
        names = ", ".join(f"idx:{_address(four, found)}" for four in found)
        raise DataError(f"{folder}: holds {len(found)} sets; choose one: {names}")
    if found:
        return found[0]
    if here:
        lacking = "; or ".join(four.lacking() for four in here[:3])
        raise DataError(f"{folder}: lacks {lacking} (plain or with .gz){holds(listed(folder))}")
    wanted = "train-images-idx3-ubyte, train-labels-idx1-ubyte, and the same two with t10k (plain or with .gz)"
    raise DataError(f"{folder}: has none of a set's four IDX files, {wanted}{holds(listed(folder))}")


def _named(path: Path) -> Four:
    """The set whose files in the folder above begin with the path's last part."""
    found = [four for four in fours(path.parent) if four.complete]
    if chosen := [four for four in found if four.name == path.name.lower()]:
        return chosen[0]
    sets = ", ".join(four.name for four in found if four.name)
    hint = f"; {path.parent} holds the sets {sets}" if sets else f"; {_RIGHT}"
    raise DataError(f"{path}: is not there{hint}")


def _address(four: Four, among: list[Four]) -> Path:
    """How to ask for this set among others: by its folder, and by its name where that holds several."""
    alone = sum(other.folder == four.folder for other in among) == 1
    return four.folder if alone or not four.name else four.folder / four.name
