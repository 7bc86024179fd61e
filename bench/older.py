"""What a comparison needs of a result, read from its JSON and checked: which work, where, and every round's seconds."""

import statistics
from pathlib import Path
from typing import Any, NamedTuple

from bench.errors import NotComparable
from bench.workload import Workload
from jaxmlp.errors import DataError
from jaxmlp.run.files import read_json

FORMAT = 1  # of the JSON; a file of another is not compared
KINDS: dict[type, str] = {dict: "object", list: "array", str: "string", bool: "boolean"}
SECONDS = (1e-9, 1e9)  # of a step: what lies beyond was not measured


class Timings(NamedTuple):
    """One result."""

    device: str  # the accelerator's or the processor's name
    workload: dict[str, Any]  # by the fields of `Workload`
    ours: dict[str, list[float]]  # seconds of a step by contender and round, the median of the round's
    peers: dict[str, list[float]]


def read(path: Path) -> Timings:
    """Raises NotComparable naming the file, and the field that is wrong in it."""
    try:
        return timings(read_json(path))
    except DataError as error:
        raise NotComparable(str(error)) from None
    except NotComparable as error:
        raise NotComparable(f"{path}: {error}") from None


def timings(result: Any) -> Timings:
    """Of a result as JSON. Raises NotComparable naming the field that is wrong."""
    if not isinstance(result, dict) or result.get("format") != FORMAT:
        raise NotComparable("this is no result of this benchmark, or of another version of it")
    workload = Workload._field_defaults | _field(result, "workload", dict)  # older ones name no program
    for name in Workload._fields:
        _require(name in workload, f"workload.{name} is missing")
    name = _field(_field(result, "roofline", dict), "device_name", str) or _field(result, "processor", str)
    ours, peers = {}, {}
    for number, row in enumerate(_field(result, "contenders", list)):
        where = f"contenders[{number}]"
        _require(isinstance(row, dict), f"{where} is not an object")
        found = ours if _field(row, "ours", bool, where) else peers
        contender = _field(row, "name", str, where)
        _require(contender not in ours | peers, f"{where}.name: {contender} is there twice")
        if _field(row, "status", str, where) == "ok":
            found[contender] = _medians(_field(row, "rounds", list, where), f"{where}.rounds")
    _require(bool(ours), "contenders: none of ours has a time")
    _require(len(set(map(len, (ours | peers).values()))) == 1, "contenders: not all have the same number of rounds")
    return Timings(name, workload, ours, peers)


def _medians(rounds: list[Any], where: str) -> list[float]:
    _require(bool(rounds), f"{where} is empty")
    for number, seconds in enumerate(rounds):
        holds = isinstance(seconds, list) and bool(seconds) and all(map(_is_seconds, seconds))
        _require(holds, f"{where}[{number}] must be a list of seconds a step")
    return [float(statistics.median(seconds)) for seconds in rounds]


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and SECONDS[0] <= value <= SECONDS[1]


def _field(part: dict[str, Any], name: str, kind: type, where: str = "") -> Any:
    value, path = part.get(name), ".".join(filter(None, [where, name]))
    _require(isinstance(value, kind), f"{path} must be a JSON {KINDS[kind]}")
    return value


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise NotComparable(message)
