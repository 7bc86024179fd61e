"""`pytest -m durability`: shared by two processes, and with the faults that were tried counted at the end.

Files in which the mark is not even named are not imported: that alone would take a minute. `durability_too` marks what
is quick enough for every run of the tests, and belongs to these as well; it says what is tried.
"""

import collections
import os
from pathlib import Path

import pytest

MARK, PROCESSES = "durability", 2
COUNTS = collections.Counter[str]()  # what was tried, by its name


def counted(what: str, times: int = 1) -> None:
    COUNTS[what] += times


def _is_asked_for(config: pytest.Config) -> bool:
    return config.option.markexpr == MARK


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Whoever has nothing left takes of the other, unless another -n was given, or a debugger waits for a person."""
    options, is_shared = config.option, "PYTEST_XDIST_WORKER" in os.environ
    if _is_asked_for(config) and not is_shared and not options.usepdb and config.pluginmanager.hasplugin("xdist"):
        if options.numprocesses is None:
            options.numprocesses = PROCESSES
        options.dist = "worksteal" if options.dist == "no" else options.dist


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    is_file = collection_path.suffix == ".py" and collection_path.name.startswith("test_")
    nothing = is_file and _is_asked_for(config) and MARK not in collection_path.read_text(encoding="utf-8")
    return nothing or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    for item in items if _is_asked_for(config) else ():
        if item.get_closest_marker(f"{MARK}_too"):
            item.add_marker(MARK)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    mark, report = item.get_closest_marker(f"{MARK}_too"), (yield)
    if mark and mark.args and report.when == "call" and report.passed:
        counted(mark.args[0])
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """One of the processes hands over what it has tried."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tried"] = dict(COUNTS)  # pyright: ignore[reportAttributeAccessIssue]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    COUNTS.update(getattr(node, "workeroutput", {}).get("tried", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not _is_asked_for(config) or config.option.collectonly:
        return
    for what, count in sorted(COUNTS.items()):
        terminalreporter.write_line(f"tried: {count:5} × {what}")
    failed = len(terminalreporter.getreports("failed")) + len(terminalreporter.getreports("error"))
    outcome = f"{failed} tests failed" if failed else "nothing was lost"
    terminalreporter.write_line(f"tried: {COUNTS.total():,} faults; {outcome}")
