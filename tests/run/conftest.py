"""Runs that nobody ends: once for all tests of a process."""

import pytest
from kept_runs import RICH, final, train
from processes import Processes, uninterrupted


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> dict[str, bytes]:
    """What a run of `RICH` leaves."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert train(RICH, folder) == 0
    return dict(final(folder))


@pytest.fixture(scope="session")
def processes(tmp_path_factory):
    """What the first of them compiles, the others find."""
    with Processes(tmp_path_factory.mktemp("compiled")) as started:
        yield started


@pytest.fixture(scope="session")
def long(processes, tmp_path_factory) -> tuple[dict[str, bytes], float]:
    """What a run of `LONG` leaves, and the seconds it takes."""
    return uninterrupted(processes, tmp_path_factory.mktemp("long"))
