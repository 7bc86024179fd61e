"""Going on with a run that was begun: its newest whole checkpoint, held against what is asked for now."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jaxmlp.errors import ConfigError, DataError
from jaxmlp.execution import Execution
from jaxmlp.program import Program
from jaxmlp.program.fields import differences
from jaxmlp.run import checkpoint, checkpoints, lines, status
from jaxmlp.run.checkpoint import Checkpoint, Facts, NewerFormat
from jaxmlp.run.files import read_json
from jaxmlp.run.folder import RunFolder
from jaxmlp.run.lines import Reading
from jaxmlp.run.status import CONFIG, METRICS
from jaxmlp.trainer import Report, Run


class Earlier(NamedTuple):
    """What there is of a run."""

    checkpoint: Checkpoint | None  # None: it ended before its first
    reading: Reading  # of metrics.jsonl, up to the checkpoint
    notes: tuple[str, ...]  # what was passed over


def newest(folder: Path) -> Earlier:
    """The newest checkpoint that is whole, and fits the lines of metrics.jsonl.

    Raises NewerFormat where a later version wrote it, DataError where there are some and none is whole.
    """
    notes: list[str] = []
    for file in checkpoints.files(folder):
        try:
            found = checkpoint.read(file)
            return Earlier(found, lines.read_up_to(folder / METRICS, found.facts.metrics), tuple(notes))
        except NewerFormat:
            raise
        except DataError as error:
            notes.append(f"passed over: {error}")
    if notes:
        raise DataError(f"{folder} has no whole checkpoint; {notes[0]}. Begin anew with --config {folder}/config.json")
    return Earlier(None, Reading(folder / METRICS), ())


def go_on(run: Run, folder: RunFolder, config: Mapping[str, Any], fingerprint: Callable[[], str]) -> Earlier:
    """Sets the run, and its folder, to the end of its last whole checkpoint's step.

    `config` is what is asked for now. Raises ConfigError where it is another program, layout or data, DataError where
    nothing is whole, OutputError where the folder cannot be written.
    """
    earlier, before = newest(folder.path), _config(folder.path)
    facts = earlier.checkpoint.facts if earlier.checkpoint else None
    require_same(run.program, facts.program if facts else Program.from_dict(before["program"]))
    if facts:
        _require_left(run.program, facts.steps, folder.path)
        _require_same_execution(run.placed.execution, facts.execution)
        if facts.data != fingerprint():
            raise ConfigError(f"data: {config['data']} is not the data that the run in {folder.path} was begun with")
    if earlier.checkpoint:
        checkpoint.restore(run, earlier.checkpoint)
    folder.cut(facts.metrics.bytes if facts else 0, _renewed(before, config))
    _remove_later(folder.path, facts.steps if facts else 0)
    if facts:
        folder.on_step(_as_written(run, facts.last))
    changed = [
        f"{name} was {before.get(name)}, and is {config[name]}: roundings may differ"
        for name in _MACHINE
        if before.get(name) != config[name]
    ]
    return earlier._replace(notes=(*earlier.notes, *changed))


def reports(folder: Path, facts: Facts) -> Iterator[Report]:
    """Of the steps that are done, as metrics.jsonl has them."""
    with (folder / METRICS).open(encoding="utf-8") as file:
        for told in itertools.islice(file, facts.metrics.lines):
            yield Report(**{"test_accuracy": None, **json.loads(told)})
    yield facts.last


_MACHINE = ("device", "versions")  # of config.json: the same bits are promised on the same


def require_same(now: Program, then: Program) -> None:
    """Raises ConfigError naming the first field that is another; more or fewer steps are the same program."""
    found = differences(now.as_dict(), then.as_dict())
    found.pop("steps", None)
    for name, (asked, was) in found.items():
        raise ConfigError(f"{name} = {asked} is impossible: the run was begun with {was}; leave it, or begin a new run")


def _require_left(program: Program, done: int, folder: Path) -> None:
    if program.steps < done or (program.steps == done and status.ended(folder, done) == "finished"):
        raise ConfigError(f"steps = {program.steps}: {done} are done already; ask for more, as --steps {2 * done}")


def _require_same_execution(now: Execution, then: Execution) -> None:
    for name, (asked, was) in differences(vars(now), vars(then)).items():
        raise ConfigError(f"{name} = {asked} is impossible: the run was begun with {was}, and other roundings follow")


def _config(folder: Path) -> dict[str, Any]:
    found = read_json(folder / CONFIG)
    if not isinstance(found, dict) or not isinstance(found.get("program"), dict):
        raise DataError(f"{folder / 'config.json'} is no run's: it has no program")
    return found


def _renewed(before: dict[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """config.json stays what the run was begun with, but for the steps that it is asked for."""
    return before if before["program"] == now["program"] else {**before, **{name: now[name] for name in _ASKED}}


_ASKED = ("program", "program_digest", "options")


def _remove_later(folder: Path, steps: int) -> None:
    """What was passed over would be in the way of what is written anew."""
    for file in itertools.takewhile(lambda file: file.name != checkpoints.name(steps), checkpoints.files(folder)):
        file.unlink()


def _as_written(run: Run, last: Report) -> Report:
    """The last step's line: with the test accuracy where it is the last of all."""
    return run.tested(last) if run.done == run.program.steps else last
