"""A whole result: what was measured, where and by which command; as text, as JSON, and recorded. Serves `session`."""

import dataclasses
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from bench import lineup, table
from bench.end_to_end import EndToEnd
from bench.grow import Growth
from bench.older import FORMAT
from bench.roofline import Roofline
from bench.row import Row, best_of_ours
from bench.targets import judge
from bench.whole_run import Run
from bench.workload import Workload
from jaxmlp import machine
from jaxmlp.errors import OutputError
from jaxmlp.run.files import write_whole

LIBRARIES = ("jax", "jaxlib", "numpy", "optax")


@dataclasses.dataclass(frozen=True)
class Result:
    """One call of `python -m bench`."""

    workload: Workload
    roofline: Roofline
    rows: list[Row]
    growth: Growth | None
    end_to_end: list[EndToEnd]
    whole_runs: list[Run]

    def text(self) -> str:
        """All that the command prints at its end, in its order."""
        parts = [
            table.heading(self.workload, self.roofline, machine.processor()),
            table.contenders(self.rows, self.workload, self.roofline),
            table.absentees(self.rows, lineup.install_command(self.workload.device)),
            table.targets(judge(self.rows, self.workload)),
            table.growth(self.growth) if self.growth else "",
            table.end_to_end(self.end_to_end) if self.end_to_end else "",
            table.whole_runs(self.whole_runs) if self.whole_runs else "",
        ]
        return "\n\n".join(part for part in parts if part)

    def as_json(self) -> dict[str, Any]:
        """Every number of the text and the single rounds behind it."""
        ours = best_of_ours(self.rows)
        return {
            "format": FORMAT,
            **machine.made("bench"),
            "versions": _versions(),
            "workload": {**self.workload._asdict(), "flop_per_step": self.workload.flop},
            "roofline": self.roofline._asdict(),
            "compared_to": ours.name if ours else None,
            "contenders": [row.as_json(self.workload, self.roofline, ours) for row in self.rows],
            "targets": [target._asdict() for target in judge(self.rows, self.workload)],
            "growth": dataclasses.asdict(self.growth) if self.growth else None,
            "end_to_end": [run._asdict() for run in self.end_to_end],
            "whole_runs": [run._asdict() for run in self.whole_runs],
        }


def record(result: dict[str, Any], text: str, path: Path) -> None:
    """Appends a dated section with the text exactly as it was printed. Raises OutputError naming the path."""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    commit = f" · commit {result['commit']}" if result["commit"] else ""
    where = f"{result['workload']['device']}, {result['roofline']['device_name'] or result['processor']}"
    head = f"## {result['date']}: {where}\n\n`{result['command']}` · {versions}{commit}"
    try:
        before = path.read_bytes() if path.exists() else b""
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror}") from None
    write_whole(path, before + f"\n{head}\n\n```\n{text}\n```\n".encode())


def _versions() -> dict[str, str]:
    """Python's and the port's libraries'; peers name their own."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in LIBRARIES}}
