"""`--data NAME`: which source a name means, and the data set that it gives."""

import os
from pathlib import Path

from jaxmlp.checks import require_data_name
from jaxmlp.data.csv import load_csv
from jaxmlp.data.dataset import Dataset
from jaxmlp.data.generated import generated_digits
from jaxmlp.data.idx_set import load_idx
from jaxmlp.data.mnist import load_mnist, named_folder
from jaxmlp.data.npz import load_npz
from jaxmlp.data.tfds import load_tfds
from jaxmlp.errors import ConfigError, DataUnreachable

_FILES = {"idx": load_idx, "csv": load_csv, "npz": load_npz}


def load(data: str, data_dir: str | Path | None = None, seed: int = 0) -> Dataset:
    """The data set that `data` names: uint8 [N, 784] images and uint8 [N] labels, read-only.

    `data`: "mnist"; "tfds:NAME[/CONFIG]"; "idx:DIR", any set in four IDX files; "csv:FILE", "npz:FILE";
    "generated[:N]", N training digits (60000) drawn from `seed`; "auto": MNIST, or generated digits marked `synthetic`
    where MNIST is neither on this machine nor reachable; a damaged file is an error even then. `data_dir`: where
    MNIST's four files, those of "idx:", or the sets of tensorflow-datasets, lie. Raises `ConfigError` for a name that
    means nothing, `DataUnreachable` and `DataError` as the sources do.
    """
    require_data_name(data)
    dataset = _load(data, None if data_dir is None else Path(data_dir), seed)
    for array in (*dataset.train, *dataset.test):  # what MNIST's arrays are anyway: one behaviour whatever the source
        array.setflags(write=False)
    return dataset


def _load(data: str, data_dir: Path | None, seed: int) -> Dataset:
    kind, _, rest = data.partition(":")
    if kind == "generated":
        return generated_digits(int(rest or 60_000), seed)
    if kind == "tfds":
        return load_tfds(rest, data_dir)
    if kind in _FILES:
        return _FILES[kind](_path(data, rest, data_dir))
    try:
        return load_mnist(data_dir)
    except DataUnreachable:
        if kind != "auto":
            raise
        digits = generated_digits(seed=seed)
        return digits._replace(synthetic=True, source=f"{digits.source}, in place of MNIST")


def _path(data: str, rest: str, data_dir: Path | None) -> Path:
    """What `idx:DIR`, `csv:FILE` or `npz:FILE` names; `idx:` alone is the folder that is named for MNIST."""
    if not rest:
        if named := named_folder(data_dir):
            return named[0]
        raise ConfigError(f"data = {data!r} names no folder: idx:DIR is right, or --data-dir DIR beside it")
    if data_dir is not None:
        raise ConfigError(f"data_dir = '{data_dir}' has no use beside data = {data!r}, which names its own place")
    return Path(os.path.expanduser(rest))  # pathlib's raises where there is no such user
