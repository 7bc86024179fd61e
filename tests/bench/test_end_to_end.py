"""The whole run: both sides as a user starts them, and a loss that differs takes the time away."""

import pytest

from bench import end_to_end
from jaxmlp.data.generated import generated_digits

DATA = ["--data=generated:200"]


@pytest.fixture(scope="module")
def digits():
    return generated_digits(200)


def run(digits):
    return end_to_end.measure(digits, DATA, "cpu", 2)


def test_our_run_is_timed_and_tensorflow_that_is_absent_is_named(digits, monkeypatch, tmp_path):
    monkeypatch.setenv("PARITY_TF115", str(tmp_path))
    ours, unscreened, theirs = run(digits)
    assert (ours.status, unscreened.status, theirs.status) == ("ok", "ok", "not installed")
    assert min(ours.seconds, unscreened.seconds) > 0.5
    assert ours.last_loss > 0


@pytest.mark.parametrize(
    ("script", "status", "reason"),
    [
        ("echo Loss at step 0: 12.5", "wrong", "loss 12.500000 against"),
        ("echo the cause >&2; exit 3", "failed", "the cause"),
        ("exit 3", "failed", "exit code 3"),
    ],
)
def test_other_program_with_another_loss_or_none_has_no_time(digits, monkeypatch, tmp_path, script, status, reason):
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && echo 1.15.5 && exit\n{script}\n')  # asked for its version first
    python.chmod(0o755)
    monkeypatch.setenv("PARITY_TF115", str(tmp_path))
    *_, theirs = run(digits)
    assert theirs.status == status
    assert reason in theirs.reason
