"""`--data NAME`: which source a name means. Commands call `check_name` at once, `load` when they need pixels."""

import difflib
import re
from pathlib import Path

from jaxmlp.data.dataset import Dataset
from jaxmlp.errors import ConfigError, DataUnreachable

ALLOWED = "auto, mnist, tfds:NAME[/CONFIG] or generated[:N]"
_SUGGESTIONS = ("auto", "mnist", "generated", "tfds:mnist", "tfds:fashion_mnist", "tfds:kmnist", "tfds:emnist/balanced")
_TFDS = re.compile(r"tfds:[a-z]\w*(/[\w.-]+)?(:[\d.*]+)?", re.ASCII)
_GENERATED = re.compile(r"generated(:0*[1-9]\d{0,11})?", re.ASCII)


def load(data: str, data_dir: Path | None = None, seed: int = 0) -> Dataset:
    """The data set that `data` names: uint8 [N, 784] images and uint8 [N] labels, read-only.

    `data`: "mnist"; "tfds:NAME[/CONFIG]"; "generated[:N]", N training digits (60000) drawn from `seed`; "auto": MNIST,
    or generated digits marked `stand_in` where MNIST is neither on this machine nor reachable; a damaged file is an
    error even then. `data_dir`: where MNIST's four files, or the sets of tensorflow-datasets, lie.

    Raises `ConfigError` for a name that means nothing, `DataUnreachable` and `DataError` as the sources do.
    """
    check_name(data)
    dataset = _load(data, data_dir, seed)
    for array in (*dataset.train, *dataset.test):  # what MNIST's arrays are anyway: one behaviour whatever the source
        array.setflags(write=False)
    return dataset


def check_name(data: str) -> None:
    """Raises `ConfigError` unless `data` is a name that `load` understands; touches neither disk nor network."""
    if data in ("auto", "mnist") or _TFDS.fullmatch(data) or _GENERATED.fullmatch(data):
        return
    if data.startswith("generated:"):
        raise ConfigError(
            f"data = {data!r}: the number of generated digits must be a positive integer, as in generated:6000"
        )
    close = difflib.get_close_matches(data.lower(), _SUGGESTIONS, n=1) or [
        s for s in _SUGGESTIONS if s.endswith(f":{data}")
    ]
    suggestion = f"; did you mean {close[0]}?" if close else ""
    raise ConfigError(f"data = {data!r} is not one of {ALLOWED}{suggestion}")


def _load(data: str, data_dir: Path | None, seed: int) -> Dataset:
    from jaxmlp.data.generated import generated
    from jaxmlp.data.mnist import mnist

    kind, _, rest = data.partition(":")
    if kind == "generated":
        return generated(int(rest or 60_000), seed)
    if kind == "tfds":
        from jaxmlp.data.tfds import tfds

        return tfds(rest, data_dir)
    try:
        return mnist(data_dir)
    except DataUnreachable:
        if kind != "auto":
            raise
        digits = generated(seed=seed)
        return digits._replace(stand_in=True, source=f"{digits.source}, in place of MNIST")
