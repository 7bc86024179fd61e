"""What many runs are given, kept compactly: a row that comes again, as in a further epoch, is kept once."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np

MOST = 1 << 29  # bytes of one program: with more, no further run is kept


class Rows:
    """By name: rows of tensors that have many, and for each run which of them; all else as it is."""

    def __init__(self) -> None:
        self.found: dict[str, dict[bytes, int]] = {}
        self.rows: dict[str, list[np.ndarray]] = OrderedDict()
        self.given: dict[str, np.ndarray] = OrderedDict()  # "step|name": row numbers, or the tensor
        self.bytes = 0

    @property
    def full(self) -> bool:
        return self.bytes > MOST

    def keep(self, step: int, name: str, array: np.ndarray) -> None:
        """A tensor of one run."""
        by_rows = array.ndim > 1 and array.dtype.kind in "biuf"
        told = np.array([self._number(name, row) for row in array], np.int32) if by_rows else array
        self.bytes += told.nbytes
        self.given[f"{step}|{name}"] = told

    def _number(self, name: str, row: np.ndarray) -> int:
        known = self.found.setdefault(name, {})
        key = hashlib.sha1(f"{row.dtype} {row.shape} ".encode() + row.tobytes()).digest()
        if key not in known:
            known[key] = len(known)
            self.rows.setdefault(name, []).append(row.copy())
            self.bytes += row.nbytes
        return known[key]

    def arrays(self) -> dict[str, np.ndarray]:
        """As raw.npz has them: "given|step|role|name", and "rows|role|name" where those are numbers of rows."""
        told = {"given|" + key: array for key, array in self.given.items()}
        told.update(("rows|" + name, np.stack(rows)) for name, rows in self.rows.items())
        return told
