"""A whole result: what was measured, where and by which command; to JSON and back to text. Serves `__main__`."""

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

from bench import machine, table
from bench.end_to_end import EndToEnd
from bench.errors import NotComparable
from bench.grow import Growth
from bench.roofline import Roofline
from bench.row import Row, best_of_ours
from bench.targets import judge
from bench.workload import Workload
from jaxmlp.errors import OutputError

FORMAT = 1  # of the JSON; a file of another is not compared


@dataclasses.dataclass(frozen=True)
class Result:
    """One call of `python -m bench`."""

    workload: Workload
    roofline: Roofline
    rows: list[Row]
    growth: Growth | None
    end_to_end: list[EndToEnd]

    def text(self) -> str:
        """All that the command prints at its end, in its order."""
        parts = [
            table.heading(self.workload, self.roofline, machine.processor()),
            table.contenders(self.rows, self.workload, self.roofline.float32_gflops),
            table.absentees(self.rows),
            table.targets(judge(self.rows, self.workload)),
            table.growth(self.growth) if self.growth else "",
            table.end_to_end(self.end_to_end) if self.end_to_end else "",
        ]
        return "\n\n".join(part for part in parts if part)

    def as_json(self) -> dict[str, Any]:
        """Every number of the text and the single rounds behind it."""
        ours, peak = best_of_ours(self.rows), self.roofline.float32_gflops
        return {
            "format": FORMAT,
            "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
            "command": machine.command(),
            "processor": machine.processor(),
            "versions": machine.versions(),
            "workload": {**self.workload._asdict(), "flop_per_step": self.workload.flop},
            "roofline": self.roofline._asdict(),
            "compared_to": ours.name if ours else None,
            "contenders": [row.as_json(self.workload, peak, ours) for row in self.rows],
            "targets": [target._asdict() for target in judge(self.rows, self.workload)],
            "growth": dataclasses.asdict(self.growth) if self.growth else None,
            "end_to_end": [run._asdict() for run in self.end_to_end],
        }


def save(result: dict[str, Any], path: Path) -> None:
    """Writes JSON. Raises OutputError naming the path."""
    _write(path, json.dumps(result, indent=1) + "\n", "w")


def load(path: Path) -> dict[str, Any]:
    """Reads what `save` wrote. Raises NotComparable naming the file when it is something else."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotComparable(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise NotComparable(f"{path} is not JSON") from None
    if not isinstance(result, dict) or result.get("format") != FORMAT:
        raise NotComparable(f"{path} is no result of this benchmark, or of another version of it")
    return result


def record(result: dict[str, Any], text: str, path: Path) -> None:
    """Appends a dated section with the text exactly as it was printed. Raises OutputError naming the path."""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    device = result["roofline"]["device_name"] or result["processor"]
    section = f"\n## {result['date']}: {result['workload']['device']}, {device}\n\n`{result['command']}` · {versions}\n"
    _write(path, f"{section}\n```\n{text}\n```\n", "a")


def _write(path: Path, content: str, mode: str) -> None:
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from None
