"""Whether runs of one script end with the same bits in all variables: two plain ones, and the recorded one."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

Finals = Mapping[str, np.ndarray]  # "program|variable" -> value


class Reproduced(NamedTuple):
    """Names as "program|variable". What already differs between plain runs says nothing of the recorder."""

    compared: int
    between_plain: tuple[str, ...]  # the script is not reproducible by itself
    by_recording: tuple[str, ...]  # all plain runs agree and the recorded one does not

    def told(self) -> dict[str, Any]:
        """As raw.json has it."""
        return {name: list(one) if isinstance(one, tuple) else one for name, one in self._asdict().items()}


def finals(arrays: Mapping[str, np.ndarray]) -> Finals:
    """Of a raw folder's arrays."""
    parts = {name: name.split("|", 2) for name in arrays}
    return {f"{part[0]}|{part[2]}": arrays[name] for name, part in parts.items() if part[1:2] == ["final"]}


def compared(plain: Sequence[Finals], recorded: Finals) -> Reproduced:
    """`plain`: two runs or more that recorded nothing."""
    first, *others = plain
    names = sorted({*recorded}.union(*plain))
    between = tuple(n for n in names if not all(_same(first.get(n), other.get(n)) for other in others))
    by_recording = tuple(n for n in names if n not in between and not _same(first.get(n), recorded.get(n)))
    return Reproduced(len(names), between, by_recording)


def _same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    """Bit for bit."""
    if a is None or b is None:
        return a is b
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
