"""stdout and stderr in every state a shell can give them: the run folder is whole, the exit code says what was lost."""

import io
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from jaxmlp import command_line, streams, train
from jaxmlp.signals import Interrupt

TINY = ["--data", "generated:60", "--hidden", "8", "--device", "cpu"]
FULL = "error: stdout cannot be written: No space left on device; files that were asked for are whole\n"
FILES = {"checkpoints", "config.json", "ending.json", "metrics.jsonl", "model.safetensors", "test_predictions.npy"}


def shell(redirected: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m jaxmlp.train ARGUMENTS` with its streams as `redirected`; the exit code is the command's own."""
    script = f'"$@" {redirected}; exit ${{PIPESTATUS[0]}}'
    command = ["bash", "-c", script, "_", sys.executable, "-m", "jaxmlp.train", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("redirected", "code", "said"),
    [
        (">&- 2>&- <&-", 0, ""),
        (
            ">/dev/full",
            4,
            FULL,
        ),
        (">/dev/full 2>/dev/full", 4, ""),
    ],
)
@pytest.mark.durability_too("a stream that is closed")
def test_a_broken_stdout_costs_no_file(tmp_path, redirected, code, said):
    done = shell(redirected, *TINY, "--steps", "2", "--out", str(tmp_path / "run"))
    assert (done.returncode, done.stdout, done.stderr) == (code, "", said)
    assert {file.name for file in (tmp_path / "run").iterdir()} == FILES


@pytest.mark.parametrize(("redirected", "code"), [("2>/dev/full", 2), ("2>&-", 2)])
def test_a_mistake_keeps_its_exit_code_without_stderr(redirected, code):
    done = shell(redirected, *TINY, "--steps", "0")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


@pytest.mark.durability_too("a stream that is closed")
def test_a_reader_who_goes_ends_the_run_as_an_interrupt_does(tmp_path):
    done = shell("| head -n 5", *TINY, "--steps", "1000000", "--out", str(tmp_path / "run"))
    assert (done.returncode, done.stderr) == (141, "")
    assert done.stdout.count("\n") == 5
    assert {file.name for file in (tmp_path / "run").iterdir()} == FILES


@pytest.mark.parametrize("redirected", [">/dev/full", "| true"])
def test_help_that_nobody_can_read_is_told_by_the_exit_code(redirected):
    done = shell(redirected, "--help")
    assert done.returncode in ((4,) if "full" in redirected else (0, 141))  # a pipe may take it all before `true` ends
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_a_stream_cannot_encode_is_a_question_mark(monkeypatch, encoding):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))

    def say(_: Sequence[str] | None) -> int:
        print("“ok” – \udcff")
        return 0

    assert command_line.run(say, []) == 0
    assert written.getvalue().startswith(b"?ok? ? ?")
    assert sys.stdout.errors == "strict"


def test_streams_are_put_back(capsys):
    before = sys.stdout, sys.stderr
    assert command_line.run(lambda _: 0, []) == 0
    assert (sys.stdout, sys.stderr) == before


class Gone(io.StringIO):
    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_a_reader_who_goes_is_held_back_only_while_a_step_must_be_whole(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Gone())
    with streams.guarded() as out:
        with Interrupt() as interrupt:
            assert not interrupt.asked
            print("lost")
            assert interrupt.asked
        print("not even tried")
    assert out.reader_gone
    monkeypatch.setattr(sys, "stdout", Gone())
    assert command_line.run(lambda _: print("at once") or 0, []) == 141


def test_a_command_runs_in_a_thread(tmp_path):
    codes: list[int] = []
    arguments = [*TINY, "--steps", "1", "--quiet", "--out", str(tmp_path / "run")]
    thread = threading.Thread(target=lambda: codes.append(train.main(arguments)))
    thread.start()
    thread.join()
    assert codes == [0]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_to_end_leaves_a_folder_complete_up_to_the_last_step(tmp_path, number, code):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "jaxmlp.train", *TINY, "--steps", "1000000", "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    _wait_for(out / "metrics.jsonl")
    process.send_signal(number)
    printed, error = process.communicate(timeout=120)
    assert (process.returncode, error) == (code, "")
    assert "is complete up to it" in printed
    assert {file.name for file in out.iterdir()} == FILES


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + 120
    while not (file.exists() and file.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.mark.durability_too("a second signal")
def test_a_second_signal_ends_at_once_and_handlers_are_put_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interrupt() as interrupt:
        signal.raise_signal(signal.SIGTERM)
        assert interrupt.asked
        assert interrupt.exit_code == 143
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            signal.raise_signal(signal.SIGHUP)
            assert not interrupt.asked
    finally:
        signal.signal(signal.SIGHUP, before)


def test_sigterm_ends_any_command_with_143(capsys):
    assert command_line.run(lambda _: signal.raise_signal(signal.SIGTERM) or 0, []) == 143
    assert capsys.readouterr().err == "terminated\n"
