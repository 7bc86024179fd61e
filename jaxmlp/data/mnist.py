"""MNIST, always the original: from the folder the user names, or else the user's cache, Keras' cache, the servers."""

import os
from pathlib import Path

import platformdirs

from jaxmlp.data.dataset import DIGIT_NAMES, Dataset
from jaxmlp.data.idx import read_split
from jaxmlp.data.mirrors import fetch
from jaxmlp.data.npz import read_npz
from jaxmlp.errors import DataError

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
    """
    if data_dir is not None:
        return _from_folder(data_dir.expanduser(), f"{data_dir}")
    if named := os.environ.get("JAXMLP_DATA_DIR"):
        return _from_folder(Path(named).expanduser(), f"{named} (from JAXMLP_DATA_DIR)")
    cache = cache_folder()
    if missing := _missing(cache):
        keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets" / "mnist.npz"
        if keras.exists():
            return Dataset(*read_npz(keras), DIGIT_NAMES, f"MNIST from {keras}")
        fetch({name: FILES[name] for name in missing}, cache)
    return _read(cache)


def cache_folder() -> Path:
    """Where downloads of MNIST are kept for this user."""
    return platformdirs.user_cache_path("jaxmlp") / "mnist"


def _from_folder(folder: Path, called: str) -> Dataset:
    """The four files of a folder that the user named: what is wrong with it is the user's to know, not ours to mend."""
    if not folder.is_dir():
        wrong = "not a folder" if folder.exists() else "not there"
        raise DataError(f"{called}: is {wrong}; name a folder with MNIST's four files")
    if missing := _missing(folder):
        raise DataError(f"{called}: lacks {', '.join(missing)} (plain or with .gz)")
    return _read(folder)


def _missing(folder: Path) -> list[str]:
    return [name for name in FILES if not os.path.lexists(_file(folder, name))]


def _file(folder: Path, name: str) -> Path:
    """The plain file if it is there, being the faster to read, else the gzipped one."""
    plain = folder / name
    return plain if os.path.lexists(plain) else folder / f"{name}.gz"


def _read(folder: Path) -> Dataset:
    files, digests = [_file(folder, name) for name in FILES], tuple(FILES.values())
    train, test = (read_split(files[i], files[i + 1], digests[i : i + 2]) for i in (0, 2))
    return Dataset(train, test, DIGIT_NAMES, f"MNIST from {folder}")
