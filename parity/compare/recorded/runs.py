"""What the first training runs of a script were given, where that was kept: the script's own data order."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from parity.compare.tensor import Named

PLACES = {"feed": 0, "source": 0, "draw": 1}  # by the recorder's roles: in a batch, or drawn


class Given(NamedTuple):
    """Of one run, by tensor name."""

    batch: Named
    draws: Named


def of_folder(folder: Path) -> list[dict[int, Given]]:
    """By run, of each program of the recording that `raw.of_folder` makes of the same raw folder."""
    told = json.loads((folder / "raw.json").read_text(encoding="utf-8"))
    numbers = [i for i, one in enumerate(told["programs"]) if one["steps"]]
    with np.load(folder / "raw.npz", allow_pickle=False) as npz:
        return [_given({key: npz[key] for key in npz.files if _kept(key, number)}, number) for number in numbers]


def _kept(key: str, number: int) -> bool:
    return key.startswith((f"{number}|given|", f"{number}|rows|"))


def _given(arrays: Named, number: int) -> dict[int, Given]:
    found: dict[int, Given] = {}
    for key, array in arrays.items():
        _, what, step, *names = key.split("|", 3)
        if what == "given":
            role, _, name = names[0].partition("|")
            rows = arrays.get(f"{number}|rows|{names[0]}")
            one = found.setdefault(int(step), Given({}, {}))
            one[PLACES[role]][name] = array if rows is None else rows[array]
    return found
