"""`--data NAME`: which source a name means, and the data set that it gives."""

from pathlib import Path

from jaxmlp.checks import require_data_name
from jaxmlp.data.dataset import Dataset
from jaxmlp.data.generated import generated_digits
from jaxmlp.data.mnist import load_mnist
from jaxmlp.data.tfds import load_tfds
from jaxmlp.errors import DataUnreachable


def load(data: str, data_dir: Path | None = None, seed: int = 0) -> Dataset:
    """The data set that `data` names: uint8 [N, 784] images and uint8 [N] labels, read-only.

    `data`: "mnist"; "tfds:NAME[/CONFIG]"; "generated[:N]", N training digits (60000) drawn from `seed`; "auto": MNIST,
    or generated digits marked `synthetic` where MNIST is neither on this machine nor reachable; a damaged file is an
    error even then. `data_dir`: where MNIST's four files, or the sets of tensorflow-datasets, lie. Raises `ConfigError`
    for a name that means nothing, `DataUnreachable` and `DataError` as the sources do.
    """
    require_data_name(data)
    dataset = _load(data, data_dir, seed)
    for array in (*dataset.train, *dataset.test):  # what MNIST's arrays are anyway: one behaviour whatever the source
        array.setflags(write=False)
    return dataset


def _load(data: str, data_dir: Path | None, seed: int) -> Dataset:
    kind, _, rest = data.partition(":")
    if kind == "generated":
        return generated_digits(int(rest or 60_000), seed)
    if kind == "tfds":
        return load_tfds(rest, data_dir)
    try:
        return load_mnist(data_dir)
    except DataUnreachable:
        if kind != "auto":
            raise
        digits = generated_digits(seed=seed)
        return digits._replace(synthetic=True, source=f"{digits.source}, in place of MNIST")
