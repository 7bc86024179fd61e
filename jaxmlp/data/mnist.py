"""MNIST, always the original: from the folder the user names, or else the user's cache, Keras' cache, the servers."""

import os
import warnings
from pathlib import Path

import platformdirs

from jaxmlp.checks import form_of
from jaxmlp.data.dataset import DIGIT_NAMES, Dataset
from jaxmlp.data.folder import ROLES, Four, fours, holds, listed, require_folder, whole_below
from jaxmlp.data.idx import NotOriginal, is_original, read_split
from jaxmlp.data.mirrors import fetch
from jaxmlp.data.npz import read_npz
from jaxmlp.errors import DataError, JaxmlpWarning

FILES = {  # name, and SHA-256 of the uncompressed file
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def load_mnist(data_dir: Path | None = None) -> Dataset:
    """The original 60,000 training and 10,000 test images, in the order of the files.

    `data_dir`, or else $JAXMLP_DATA_DIR: the folder to read the four IDX files from, gzipped or not, and no other place
    then. Raises `DataUnreachable` if they are nowhere to be had, `DataError` if one is missing there, or not original.
    Warns of a copy of Keras' that is damaged, which nobody named, and goes on without it.
    """
    if named := named_folder(data_dir):
        return _from_folder(*named)
    cache = cache_folder()
    four = _original_names(cache) if os.path.isdir(cache) else Four(cache, "", {})
    if not four.complete:
        if keras := _from_keras():
            return keras
        missing = [name for role, name in zip(ROLES, FILES, strict=True) if role not in four.files]
        fetch({name: FILES[name] for name in missing}, cache)
        four = _original_names(cache)
    return _read(four)


def named_folder(data_dir: Path | None) -> tuple[Path, str] | None:
    """The folder that the user named, in the call or by $JAXMLP_DATA_DIR, and how to call it in a message."""
    if data_dir is not None:
        return Path(os.path.expanduser(data_dir)), f"{data_dir}"
    if named := os.environ.get("JAXMLP_DATA_DIR"):
        return Path(os.path.expanduser(named)), f"{named} (from JAXMLP_DATA_DIR)"
    return None


def cache_folder() -> Path:
    """Where downloads of MNIST are kept for this user."""
    return platformdirs.user_cache_path("jaxmlp") / "mnist"


def _from_keras() -> Dataset | None:
    keras = Path(os.path.expanduser(os.environ.get("KERAS_HOME") or "~/.keras")) / "datasets" / "mnist.npz"
    if not os.path.exists(keras):
        return None
    try:
        return Dataset(*read_npz(keras), DIGIT_NAMES, f"MNIST from {keras}")
    except DataError as error:
        warnings.warn(f"{error}. It is passed over; delete it", JaxmlpWarning, stacklevel=2)
        return None


def _from_folder(folder: Path, called: str) -> Dataset:
    """The four files of a folder that the user named: what is wrong with it is the user's to know, not ours to mend."""
    form = f"; did you mean --data {form_of(str(folder))}?" if os.path.isfile(folder) else ""
    require_folder(folder, called, f"name a folder with MNIST's four files{form}")
    four = _original_names(folder)
    if not four.complete:
        found = [below for below in whole_below(folder) if not below.name]
        mnist = [below for below in found if "mnist" in [part.lower() for part in below.folder.parts[-2:]]]
        chosen = mnist if len(mnist) == 1 else found
        if len(chosen) != 1:
            raise DataError(f"{called}: lacks {four.lacking()} (plain or with .gz){_instead(folder, chosen)}")
        four = chosen[0]
    return _read(four)


def _instead(folder: Path, several: list[Four]) -> str:
    """What a folder without MNIST's files holds, and how to use it where that is a set."""
    if several:
        return f"; they are in {' and in '.join(str(four.folder) for four in several)}: name one of these"
    names = listed(folder)
    if others := [four.name for four in fours(folder) if four.complete]:
        return f"; it holds {', '.join(others)}, which is not MNIST: use --data idx:{folder}"
    if tables := [name for name in names if name.lower().endswith((".csv", ".csv.gz", ".npz"))]:
        return f"; it holds {', '.join(tables)}: did you mean --data {form_of(str(folder / tables[0]))}?"
    return holds(names)


def _original_names(folder: Path) -> Four:
    """MNIST's files in this very folder, as far as they are there."""
    return next((four for four in fours(folder) if not four.name), Four(folder, "", {}))


def _read(four: Four) -> Dataset:
    files, digests = four.paths(), tuple(FILES.values())
    try:
        train, test = (read_split(files[i], files[i + 1], digests[i : i + 2]) for i in (0, 2))
    except NotOriginal:
        _refuse_another_set(four)
        raise
    return Dataset(train, test, DIGIT_NAMES, f"MNIST from {four.folder}")


def _refuse_another_set(four: Four) -> None:
    """Raises `DataError` if not one file is MNIST's, though all are whole: then nothing is damaged."""
    files = four.paths()
    for i in (0, 2):
        read_split(files[i], files[i + 1])
    if not any(is_original(file, digest) for file, digest in zip(files, FILES.values(), strict=True)):
        another = "another data set, whole and well-formed, but not MNIST"
        raise DataError(f"{four.folder}: holds {another}; to train on it use --data idx:{four.folder}")
