"""The options that repeat a run, as its config.json keeps them for `--config runs/X/config.json`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxmlp.data import Dataset
from jaxmlp.placement import Placed

FILED = ("idx", "csv", "npz")  # kinds of --data whose name goes on with a path


def recipe(asked: Mapping[str, Any], placed: Placed, dataset: Dataset) -> dict[str, Any]:
    """Options by name, None left out: the `asked` ones of data and program; how and on what it was really computed.

    `auto` is settled, and paths are absolute: the same bits again, on the same kind of device with the same versions.
    What only watches a run (`--out`, `--quiet`, …) is no part of it.
    """
    computed = {**vars(placed.execution), "device": placed.device.platform}
    named = {**asked, **_data(asked["data"], asked["data_dir"], dataset), **computed}
    return {name: value for name, value in named.items() if value is not None}


def _data(data: str, data_dir: Path | None, dataset: Dataset) -> dict[str, str | None]:
    """The data that was read, whatever folder and environment the run is repeated in."""
    kind, _, rest = data.partition(":")
    if kind == "auto":
        kind = data = "generated" if dataset.synthetic else "mnist"
    if kind == "generated":
        return {"data": data, "data_dir": None}
    if kind in FILED and rest:
        data = f"{kind}:{_absolute(rest)}"
    folder = data_dir or os.environ.get("JAXMLP_DATA_DIR")
    return {"data": data, "data_dir": _absolute(folder) if folder else None}


def _absolute(path: str | Path) -> str:
    return os.path.abspath(os.path.expanduser(path))  # pathlib's raises where there is no such user
