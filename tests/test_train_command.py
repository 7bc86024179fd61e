"""`python -m jaxmlp.train` as its user meets it: what it prints, what it leaves, how it refuses."""

import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from safetensors import safe_open

from jaxmlp import model, train
from jaxmlp.data.dataset import PIXELS
from jaxmlp.data.generated import generated_digits
from jaxmlp.errors import DataError, DataUnreachable, OutputError
from jaxmlp.program import Dense, Program
from jaxmlp.run import files, folder

SMALL = ["--hidden", "16", "--steps", "7", "--report-every", "3", "--learning-rate", "1e-5", "--no-compilation-cache"]
DIGITS = ["--data", "generated:300"]


@pytest.fixture
def out(tmp_path, monkeypatch) -> Path:
    """Where the run shall lie; nothing may be written beside it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "run"


class Broken(io.StringIO):
    """A stdout that takes no second report."""

    def __init__(self, cause: OSError, number: int):
        super().__init__()
        self._cause, self._number, self._reports = cause, number, 0

    def write(self, text: str) -> int:
        self._reports += "Loss at step" in text or '"report"' in text
        if self._reports > 1 or "/run" in text:
            raise self._cause
        return len(text)

    def fileno(self) -> int:
        return self._number


def run(*arguments: object) -> int:
    return train.main([str(argument) for argument in arguments])


def test_prints_the_originals_lines(out, capsys):
    assert run(*SMALL, *DIGITS, "--out", out) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(
        "Training set (300, 784) (300, 10)\nTest set (50, 784) (50, 10)\n"
        "Device: cpu (cpu:0); layout staircase, precision float32, chunk 500, screening off\n"
        "Data: 300 generated digits, seed 0\n"
        "A report: loss and training accuracy before the step's update, test accuracy after it\n"
    )
    number = r"\d+\.\d{6}"
    report = rf"Loss at step (\d+): {number}\nTraining accuracy: \d+\.\d%\nTest accuracy: \d+\.\d%\n"
    assert re.findall(report, printed) == ["0", "3", "6"]
    assert re.search(r"7 steps in .* steps/s, .* images/s; compiling took .* s", printed)
    assert printed.rstrip().endswith(str(out))


BATCHES = [*DIGITS, "--layers", "16", "8", "--batch-size", "50", "--scale", "255", "--optimizer", "adam"]


def test_minibatches_are_reported_as_udacitys_course_does_and_the_program_is_named(out, capsys):
    assert run(*BATCHES, "--epochs", "2", "--out", out) == 0
    printed = capsys.readouterr().out
    report = r"Minibatch loss at step (\d+): \d+\.\d{6}\nMinibatch accuracy: \d+\.\d%\nTest accuracy: \d+\.\d%\n"
    assert re.findall(report, printed) == ["5", "11"], "an epoch is six steps"
    assert (
        "\nA report: loss and accuracy of the minibatch before the step's update, test accuracy after it\n"
        "Program: 784-16-8-10, relu, weights truncated_normal, biases zeros, pixels / 255\n"
        "Updates: adam(learning_rate=0.001) on softmax_cross_entropy, minibatches of 50, next_batch, 12 steps, "
        "6 an epoch\n"
    ) in printed
    steps, seconds, steps_s, images_s = re.search(
        r"(\d+) steps in ([\d.]+) s: ([\d.]+) .*, ([\d,]+) images", printed
    ).groups()
    assert steps == "12"
    assert float(images_s.replace(",", "")) == pytest.approx(50 * float(steps_s), abs=1)
    assert float(seconds) < 60


def test_a_run_of_minibatches_is_repeated_to_the_bit_by_its_folder(out, capsys):
    assert run(*BATCHES, "--epochs", "2", "--keep-prob", "0.5", "0.8", "--out", out, "--quiet") == 0
    assert run("--config", out, "--out", out.with_name("again")) == 0
    assert run("--program", out, *DIGITS, "--layout", "dense", "--chunk", "2000", "--out", out.with_name("third")) == 0
    for name in ("config.json", "metrics.jsonl", "model.safetensors", "test_predictions.npy"):
        assert (out / name).read_bytes() == (out.with_name("again") / name).read_bytes(), name
        assert name == "config.json" or (out / name).read_bytes() == (out.with_name("third") / name).read_bytes()


@pytest.mark.parametrize(("steps", "reported"), [(7, [0, 3, 6]), (9, [0, 3, 6, 8]), (1, [0])])
def test_the_last_step_is_always_reported_with_the_test_accuracy_of_the_weights_kept(out, capsys, steps, reported):
    assert run(*SMALL, *DIGITS, "--steps", steps, "--out", out) == 0
    printed = capsys.readouterr().out
    assert [int(step) for step in re.findall(r"Loss at step (\d+)", printed)] == reported
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "test_accuracy" in line] == reported
    right = np.load(out / "test_predictions.npy").argmax(1) == generated_digits(300).test.labels
    assert lines[-1]["test_accuracy"] == pytest.approx(100 * right.mean())


def test_leaves_a_whole_run_folder(out, capsys):
    assert run(*SMALL, *DIGITS, "--out", out, "--seed", "5") == 0
    assert sorted(file.name for file in out.iterdir()) == [
        "checkpoints",
        "config.json",
        "ending.json",
        "metrics.jsonl",
        "model.safetensors",
        "test_predictions.npy",
    ]
    assert json.loads((out / "ending.json").read_text()) == {"state": "finished", "steps": 7, "planned": 7}
    told = json.loads((out / "config.json").read_text())
    assert told.keys() == {"program", "program_digest", "execution", "data", "device", "versions", "options"}
    program = Program.from_dict(told["program"])
    assert (program.seed, program.layers) == (5, (Dense(16),))
    assert told["program_digest"] == program.digest()
    assert told["execution"] == {"layout": "staircase", "precision": "float32", "chunk": 500, "screening": "off"}
    assert told["data"] == "300 generated digits, seed 5"
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(7))
    assert ["test_accuracy" in line for line in lines] == [True, False, False, True, False, False, True]
    tensors = safetensors.numpy.load_file(out / "model.safetensors")
    assert {name: (t.shape, str(t.dtype)) for name, t in tensors.items()} == {
        "weights_1": ((784, 16), "float32"),
        "biases_1": ((16,), "float32"),
        "weights_2": ((16, 10), "float32"),
        "biases_2": ((10,), "float32"),
    }
    with safe_open(out / "model.safetensors", "numpy") as file:
        assert json.loads(file.metadata()["program"]) == told["program"]
    assert np.abs(tensors["weights_1"] - model.init(program, PIXELS, 10)[0].weights).max() > 0
    predictions = np.load(out / "test_predictions.npy", allow_pickle=False)
    assert predictions.shape == (50, 10)
    np.testing.assert_allclose(predictions.sum(1), 1, rtol=1e-5)


def test_json_prints_an_object_a_report_and_one_at_the_end_and_nothing_else(out, capsys):
    assert run(*SMALL, *DIGITS, "--steps", "8", "--out", out, "--json") == 0
    printed = capsys.readouterr()
    *reports, end = [json.loads(line) for line in printed.out.splitlines()]
    assert [(o["event"], o["step"]) for o in reports] == [("report", step) for step in (0, 3, 6, 7)]
    assert set(reports[0]) == {"event", "step", "loss", "train_accuracy", "test_accuracy", "data", "mnist_replaced"}
    assert end.keys() == reports[0].keys() - {"step"} | {
        "folder", "steps", "seconds", "compile_seconds", "interrupted", "complete",
    }  # fmt: skip
    assert {name: end[name] for name in ("event", "folder", "steps", "interrupted", "complete")} == {
        "event": "end", "folder": str(out), "steps": 8, "interrupted": False, "complete": True,
    }  # fmt: skip
    assert [end[name] == reports[-1][name] for name in ("loss", "train_accuracy", "test_accuracy")] == [True] * 3
    assert 0 <= end["compile_seconds"] < end["seconds"]
    assert "Training set" in printed.err


def test_quiet_prints_the_folders_name_for_a_script_and_nothing_else(out, capsys):
    assert run(*SMALL, *DIGITS, "--quiet") == 0
    printed = capsys.readouterr()
    folder = Path(printed.out.rstrip("\n"))
    assert printed.out == f"{folder}\n"
    assert (folder / "model.safetensors").exists()
    assert printed.err == ""


def test_config_json_holds_the_options_that_repeat_the_run_to_the_bit(out, capsys, rng):
    seed = int(rng.integers(2**31))
    options = ["--seed", seed, "--weight-stddev", "0.3", "--layout", "dense", "--chunk", "77", "--target-accuracy", "0"]
    assert run(*SMALL, *DIGITS, *options, "--out", out, "--quiet") == 0
    kept = json.loads((out / "config.json").read_text())["options"]
    assert kept == {
        "data": "generated:300", "hidden": 16, "learning_rate": 1e-5, "steps": 7, "report_every": 3,
        "weight_stddev": 0.3, "seed": seed, "layout": "dense", "precision": "float32", "chunk": 77, "screening": "off",
        "device": "cpu",
    }  # fmt: skip
    assert run("--config", out / "config.json", "--out", out.with_name("again")) == 0
    for name in ("config.json", "metrics.jsonl", "model.safetensors", "test_predictions.npy"):
        assert (out / name).read_bytes() == (out.with_name("again") / name).read_bytes(), name


def test_no_progress_bar_when_piped(out):
    command = [sys.executable, "-m", "jaxmlp.train", *SMALL, *DIGITS, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "\r" not in done.stdout


def test_target_accuracy_decides_the_exit_code(out, capsys):
    assert run(*SMALL, *DIGITS, "--out", out, "--target-accuracy", "0") == 0
    assert run(*SMALL, *DIGITS, "--out", out.with_name("b"), "--target-accuracy", "100") == 1
    assert "below the target of 100%" in capsys.readouterr().out


def test_config_file_supplies_options_and_the_command_line_wins(out, tmp_path, capsys):
    file = tmp_path / "run.toml"
    file.write_text('hidden = 8\nsteps = 2\nlearning-rate = 1e-6\ndata = "generated:60"\nquiet = true\n')
    assert run("--config", file, "--steps", "1", "--out", out) == 0
    program = Program.from_dict(json.loads((out / "config.json").read_text())["program"])
    assert (program.layers[0].units, program.steps, program.optimizer.learning_rate) == (8, 1, 1e-6)
    assert capsys.readouterr().out == f"{out}\n"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("hiden = 8\n", "unknown key 'hiden'; did you mean hidden?"),
        ("program = 8\n", "program = 8 is impossible: it must be a table of a program's fields"),
        ("config = 'other.toml'\n", "unknown key 'config'"),
        ("hidden = 0\n", "hidden = 0 is impossible"),
        ("precision = 'float16'\n", "precision = 'float16' is impossible: it must be one of auto, float32, bf16x3"),
        ("steps = 'many'\n", "steps = 'many' is impossible"),
        ("quiet = 1\n", "quiet = 1 is impossible"),
        ("steps = 0\n", "steps = 0 is impossible"),
        ("steps =\n", "is not TOML"),
    ],
)
def test_bad_config_file_is_refused_by_file_and_key(tmp_path, capsys, content, complaint):
    file = tmp_path / "bad.toml"
    file.write_text(content)
    assert run("--config", file) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {file}")
    assert complaint in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--steps", "0"], "steps = 0 is impossible"),
        (["--hidden", "0"], "hidden = 0 is impossible: it must be a whole number from 1 up"),
        (["--weight-stddev", "-1"], "weight_stddev = -1.0 is impossible"),
        (["--chunk", "0"], "chunk = 0 is impossible"),
        (["--learning-rate", "nan"], "learning_rate = nan is impossible"),
        (["--target-accuracy", "101"], "target_accuracy = 101.0 is impossible"),
        (["--data", "mnits"], "did you mean mnist"),
        (["--device", "tpu"], "no tpu on this machine: JAX sees only cpu"),
        (["--config", "no-such.toml"], "no-such.toml cannot be read"),
        (["--data", "mnist", "--data-dir", "no-such-folder"], "no-such-folder"),
    ],
)
def test_mistake_is_one_line_and_exit_code_2_and_writes_nothing(out, tmp_path, capsys, arguments, complaint):
    assert run(*SMALL, "--out", out, *arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert complaint in printed.err
    assert printed.err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_mistyped_option_gets_a_suggestion(capsys):
    assert run("--learning-rat", "1") == 2
    assert capsys.readouterr().err == "error: unknown option --learning-rat; did you mean --learning-rate?\n"


def test_missing_mnist_is_an_error_when_asked_for_and_replaced_with_a_warning_when_not(out, capsys, monkeypatch):
    def unreachable(*_):
        raise DataUnreachable("MNIST is not here")

    monkeypatch.setattr("jaxmlp.data.source.load_mnist", unreachable)
    monkeypatch.setattr("jaxmlp.data.source.generated_digits", lambda seed: generated_digits(240, seed))
    assert run(*SMALL, "--data", "mnist", "--out", out) == 2
    assert not out.exists()
    assert run(*SMALL, "--out", out) == 0
    printed = capsys.readouterr().out
    first, last = printed.index("NOT MNIST"), printed.rindex("NOT of MNIST")
    assert first < printed.index("Training set")
    assert last > printed.rindex("Test accuracy")


def test_divergence_exits_with_3_and_keeps_the_steps_before_it(out, capsys):
    assert run(*SMALL, *DIGITS, "--out", out, "--learning-rate", "1e30") == 3
    error = capsys.readouterr().err
    assert re.match(r"error: the loss at step \d+ is .*last finite loss.*Lower the learning rate", error)
    assert json.loads((out / "metrics.jsonl").read_text().splitlines()[0])["step"] == 0
    assert json.loads((out / "config.json").read_text())["program"]["optimizer"]["learning_rate"] == 1e30


def test_interrupt_leaves_a_folder_complete_up_to_the_last_step(out):
    command = [sys.executable, "-m", "jaxmlp.train", *SMALL, *DIGITS, "--steps", "1000000", "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    metrics = out / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not (metrics.exists() and metrics.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    printed, error = process.communicate(timeout=120)
    assert process.returncode == 130, error
    assert "Traceback" not in error
    last = json.loads(metrics.read_text().splitlines()[-1])
    assert f"interrupted after step {last['step']}" in printed
    assert f"Loss at step {last['step']}: " in printed
    assert f"Test accuracy: {last['test_accuracy']:.1f}%\n{last['step'] + 1} steps in" in printed
    assert safetensors.numpy.load_file(out / "model.safetensors").keys() == {
        "weights_1",
        "biases_1",
        "weights_2",
        "biases_2",
    }
    assert np.load(out / "test_predictions.npy", allow_pickle=False).shape == (50, 10)


@pytest.mark.durability_too("a folder that cannot be")
def test_existing_run_is_never_overwritten(out, capsys):
    assert run(*SMALL, *DIGITS, "--out", out) == 0
    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    assert run(*SMALL, *DIGITS, "--out", out) == 4
    assert f"is not empty: give another --out, so that no run is overwritten, or go on with --resume {out}" in (
        capsys.readouterr().err
    )
    assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before


def test_full_disk_at_the_end_names_the_path_and_still_prints_the_results(out, capsys, monkeypatch):
    replace = os.replace

    def full(temporary, path):
        if path.name == "model.safetensors":
            raise OSError(28, "No space left on device", str(temporary))
        replace(temporary, path)

    monkeypatch.setattr(os, "replace", full)
    assert run(*SMALL, *DIGITS, "--out", out) == 4
    printed = capsys.readouterr()
    assert "Test accuracy" in printed.out
    assert "7 steps in" in printed.out
    assert "Run folder" not in printed.out
    assert f"{out / 'model.safetensors'} cannot be written: No space left on device; this run's files" in printed.err
    left = ["checkpoints", "config.json", "metrics.jsonl", "test_predictions.npy"]
    assert sorted(file.name for file in out.iterdir()) == left


@pytest.mark.parametrize("rate", ["1e-5", "1e30"], ids=["to the end", "diverging"])
def test_full_disk_on_the_way_stops_no_run_and_names_the_path(out, capsys, monkeypatch, rate):
    monkeypatch.setattr(folder, "Growing", lambda *_: files.Growing(Path("/dev/full"), 0))
    assert run(*SMALL, *DIGITS, "--out", out, "--learning-rate", rate) == 4
    printed = capsys.readouterr()
    assert f"{out / 'metrics.jsonl'} cannot be written: No space left on device; this run's files" in printed.err
    assert ("7 steps in" in printed.out) == (rate == "1e-5")


@pytest.mark.parametrize(
    ("cause", "code"),
    [(OSError(28, "No space left on device"), 4), (BrokenPipeError(32, "Broken pipe"), 141)],
    ids=["full", "reader gone"],
)
@pytest.mark.parametrize("how", [[], ["--quiet"], ["--json"]], ids=str)
def test_a_stdout_that_breaks_costs_no_file(out, tmp_path, capsys, monkeypatch, cause, code, how):
    with open(tmp_path / "stdout", "w") as file:
        monkeypatch.setattr(sys, "stdout", Broken(cause, file.fileno()))
        assert run(*SMALL, *DIGITS, "--out", out, *how) == code
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert len(lines) == 7 or (code == 141 and 4 <= len(lines) < 7), "nobody reads: it ends after a step, as by Ctrl-C"
    assert "test_accuracy" in lines[-1]
    assert {"model.safetensors", "test_predictions.npy"} < {file.name for file in out.iterdir()}
    assert ("error: stdout cannot be written: No space left on device" in capsys.readouterr().err) == (code == 4)


def test_unwritable_folder_is_refused_before_training(tmp_path, capsys):
    file = tmp_path / "a-file"
    file.write_text("")
    assert run(*SMALL, *DIGITS, "--out", file / "run") == 4
    printed = capsys.readouterr()
    assert str(file) in printed.err
    assert "Loss at step" not in printed.out


def test_failed_write_leaves_no_part_behind(tmp_path, monkeypatch):
    target = tmp_path / "model"
    target.write_bytes(b"before")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OutputError, match=f"{target} cannot be written: No space left"):
        files.write_whole(target, b"after")
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_json_is_read_back_or_refused_by_its_path(tmp_path):
    files.write_json(tmp_path / "a.json", {"one": [1, 2.5, None]})
    assert files.read_json(tmp_path / "a.json") == {"one": [1, 2.5, None]}
    (tmp_path / "b.json").write_bytes(b"\xff{")
    with pytest.raises(DataError, match=r"b\.json is not JSON"):
        files.read_json(tmp_path / "b.json")
    with pytest.raises(DataError, match=r"c\.json cannot be read: No such file"):
        files.read_json(tmp_path / "c.json")


def test_written_files_have_ordinary_permissions(out, capsys):
    assert run(*SMALL, *DIGITS, "--out", out) == 0
    modes = {stat.S_IMODE(file.stat().st_mode) for file in out.rglob("*") if file.is_file()}
    assert len(modes) == 1, "the files written by renaming differ from the one written directly"


def test_plots_are_pictures(out, capsys):
    pytest.importorskip("matplotlib")
    assert run(*SMALL, *DIGITS, "--out", out, "--plots") == 0
    pictures = {file.name: file.read_bytes()[:4] for file in out.glob("*.png")}
    names = ("confusion", "curves", "mistakes", "preview", "weights")
    assert pictures == {f"{name}.png": b"\x89PNG" for name in names}


def test_a_model_that_does_not_fit_is_one_line(out, capsys):
    assert run(*SMALL, *DIGITS, "--out", out, "--hidden", str(10**12)) == 2
    assert "not enough memory" in capsys.readouterr().err


@pytest.mark.mnist
def test_mnist_is_trained_on_where_it_is(mnist, out, capsys):
    assert run("--steps", "1", "--hidden", "64", "--out", out) == 0
    printed = capsys.readouterr().out
    assert "Training set (60000, 784) (60000, 10)\nTest set (10000, 784) (10000, 10)" in printed
    assert "NOT MNIST" not in printed
