"""Tells how many faults were tried."""

import faults
import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for what, count in faults.COUNTS.items():
        terminalreporter.write_line(f"tried: {count} × {what}")
