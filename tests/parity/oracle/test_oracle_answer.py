"""Whatever a TensorFlow process answers, says or leaves is taken, or is one line; it ends with the one who asked."""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from textbook import case, program

from parity.__main__ import main
from parity.compare.npz import Damaged
from parity.errors import CannotCompare, OracleFailed
from parity.oracle import answer, environment
from parity.oracle.ask import Question, Tf115

INIT = [Question({"ask": "init"})]
ROOT = Path(__file__).parents[3]
PROVENANCE = {"tensorflow": "1.15.5", "graph_digest": "of no graph"}
QUESTIONS = [
    Question({"ask": "init"}),
    Question({"ask": "run", "first": 0, "steps": 3, "report_every": 2, "weights_at": [1, 7]}),
    Question({"ask": "step"}),
    Question({"ask": "backward"}),
    Question({"ask": "trace", "steps": 2}),
]


def zeros(asked, named):
    """An array of the right dtype and shape for each name of a step."""
    kind = answer._of_step(asked, len(asked.data["train_labels"]))
    return {name: np.zeros(kind(name)[1], kind(name)[0]) for name in named}


def whole(asked):
    """An answer to `QUESTIONS` that is right in all but its numbers."""
    names = list(answer.weights(asked))

    def of(*roles):
        return [f"{role}/{name}" for role in roles for name in names]

    seen = ["loss/loss", "correct/correct", "logits/logits", *of("grads", "weights")]
    init, step, back = zeros(asked, of("weights")), zeros(asked, [*seen, "units/1"]), zeros(asked, of("backward"))
    run = {**init, **{f"1/{name}": array for name, array in init.items()}}
    run |= {"losses": np.zeros(3, np.float32), "corrects": np.zeros(3, np.int64)}
    run |= {"test_steps": np.array([0, 2]), "test_corrects": np.zeros(2, np.int64)}
    run["test_predictions"] = np.zeros((len(asked.data["test_labels"]), asked.classes), np.float32)
    start = zeros(asked, ["rate/rate", "step/step", *of("weights", "slots/m"), "scalars/beta1_power"])
    got = zeros(asked, [*seen, "logits_grad/logits", *of("backward", "slots/m"), "test/correct"])
    parts = {"start": start, "got": got}
    trace = {f"{t}/{part}/{name}": one for t in (0, 1) for part in parts for name, one in parts[part].items()}
    return {f"{i}/{name}": one for i, named in enumerate((init, run, step, back, trace)) for name, one in named.items()}


def write(path, arrays, header=None):
    told = json.dumps({"provenance": PROVENANCE, "error": ""} if header is None else header).encode()
    np.savez(path, header=np.frombuffer(told, np.uint8), **arrays)
    return path


def test_a_whole_answer_is_taken(rng, tmp_path):
    asked = case(rng, program())
    arrays = whole(asked)
    found = answer.read(write(tmp_path / "a.npz", arrays), asked, QUESTIONS)
    assert sum(map(len, found.arrays)) == len(arrays)
    assert found.provenance == PROVENANCE


def test_an_array_that_is_missing_strange_or_of_another_kind_is_named(rng, tmp_path):
    asked = case(rng, program())
    arrays = whole(asked)
    names = rng.permutation([name for name in arrays if "slots" not in name and "scalars" not in name])
    for name, wrong in zip(names[:12], itertools.cycle(["missing", "dtype", "shape", "strange"])):
        broken = dict(arrays)
        one = broken.pop(name)
        if wrong == "dtype":
            broken[name] = one.astype(np.float16)
        elif wrong == "shape":
            broken[name] = np.zeros((*one.shape, 1), one.dtype)
        elif wrong == "strange":
            broken = {**arrays, f"{name}x": one}
        if wrong == "missing" and name.endswith(("units/1", "test/correct")):
            continue  # not every program has them
        with pytest.raises(Damaged, match=r"its answer to '\w+' (lacks|holds|has) \S+"):
            answer.read(write(tmp_path / "a.npz", broken), asked, QUESTIONS)


@pytest.mark.parametrize("header", [[], {}, {"provenance": {}, "error": ""}, {"provenance": PROVENANCE, "error": 3}, 7])
def test_a_header_that_is_none_is_refused(header, rng, tmp_path):
    asked = case(rng, program())
    with pytest.raises(Damaged, match="its header is none"):
        answer.read(write(tmp_path / "a.npz", whole(asked), header), asked, QUESTIONS)


@pytest.mark.durability_too("an answer of TensorFlow's that is none")
def test_damaged_bytes_are_refused_or_harmless(rng, tmp_path):
    asked = case(rng, program())
    file = write(tmp_path / "a.npz", whole(asked))
    right, content = answer.read(file, asked, QUESTIONS), file.read_bytes()
    for _ in range(60):
        damaged = bytearray(content)
        if rng.random() < 0.3:
            del damaged[int(rng.integers(len(content))) :]
        else:
            damaged[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
        file.write_bytes(damaged)
        try:
            found = answer.read(file, asked, QUESTIONS)
        except Damaged:
            continue
        assert found.provenance == right.provenance
        for one, other in zip(found.arrays, right.arrays, strict=True):
            np.testing.assert_equal(one, other)


def test_names_that_would_break_a_line_are_told_escaped(rng, tmp_path):
    asked, strange = case(rng, program()), {"0/weights/a\nb\x1b[31m": np.zeros(2)}
    with pytest.raises(Damaged) as refused:
        answer.read(write(tmp_path / "a.npz", {**whole(asked), **strange}), asked, QUESTIONS)
    assert r"a\nb\x1b[31m" in str(refused.value)
    assert str(CannotCompare("of two\nlines")) == r"of two\nlines"


@pytest.mark.durability_too("a header that claims too much")
def test_a_bomb_is_refused_before_it_is_unpacked(rng, tmp_path, monkeypatch):
    asked = case(rng, program())
    monkeypatch.setattr(answer, "LARGEST", 10_000)
    with pytest.raises(Damaged, match=r"its arrays would come to \d+ bytes, and 10000 are the most"):
        answer.read(write(tmp_path / "a.npz", whole(asked)), asked, QUESTIONS)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo garbage > $4/answer-0.npz", "what TensorFlow 1.15 answered cannot be used: .*; ask it again"),
        (": > $4/answer-0.npz", "what TensorFlow 1.15 answered cannot be used"),
        ("mkdir $4/answer-0.npz", "what TensorFlow 1.15 answered cannot be used"),
        ("rm -r $4", "left no answer"),
        (r"printf '\377\376\033[31mno\n\nroom\0' >&2; exit 3", r"failed with exit code 3; .*\[31mno \| room"),
        ("head -c 300000000 /dev/zero >&2; echo the end; exit 1", "failed with exit code 1; .*the end$"),
        ("exit 0", "left no answer"),
        ("kill -SEGV $$", "was ended by signal 11"),
    ],
)
@pytest.mark.durability_too("an answer of TensorFlow's that is none")
def test_whatever_it_answers_or_says_is_one_line(script, said, stand_in, rng):
    with pytest.raises(OracleFailed, match=said) as failed:
        Tf115(stand_in(script), time_limit=60).ask(case(rng, program()), INIT)
    line = str(failed.value)
    assert line.isprintable(), "of one line, and without what a terminal obeys"
    assert len(line) < 1000


def test_the_command_ends_with_2(stand_in, monkeypatch, capsys, tmp_path):
    python = environment.interpreter(tmp_path / "named")
    python.parent.mkdir(parents=True)
    stand_in('[ "$#" = 2 ] && echo 1.15.5 || echo garbage > "$4/answer-0.npz"').rename(python)
    monkeypatch.setenv("PARITY_TF115", str(tmp_path / "named"))
    assert main(["--oracle", "tf115", "--data", "generated:40", "--steps", "2"]) == 2
    assert "error: what TensorFlow 1.15 answered cannot be used: File is not a zip file" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
@pytest.mark.durability_too("parity's parent killed")
def test_it_ends_with_the_one_who_asked_and_its_folder_is_gone(number, tmp_path, stand_in):
    """In the middle of TensorFlow's import: before that it watches already."""
    for name in ("tmp", "fake/tensorflow/compat"):
        (tmp_path / name).mkdir(parents=True)
    for folder in ("fake/tensorflow", "fake/tensorflow/compat"):  # else one that is installed comes first
        (tmp_path / folder / "__init__.py").touch()
    begun = f"import time; open({str(tmp_path / 'in')!r}, 'w'); time.sleep(99)"
    (tmp_path / "fake/tensorflow/compat/v1.py").write_text(begun)
    python = stand_in(f'echo $$ > {tmp_path}/pid; PYTHONPATH={tmp_path}/fake exec {sys.executable} "$@"')
    ask = "Tf115(Path(sys.argv[1])).ask(case(np.random.default_rng(0), program()), INIT)"
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent), str(ROOT / "tests/parity")])
    settings = {**os.environ, "PYTHONPATH": paths, "TMPDIR": str(tmp_path / "tmp")}
    command = [sys.executable, "-c", f"from test_oracle_answer import *; {ask}", str(python)]
    with subprocess.Popen(command, env=settings, stderr=subprocess.DEVNULL) as asking:
        waited(lambda: (tmp_path / "in").exists())
        (folder,) = (tmp_path / "tmp").glob("parity-*")
        asking.send_signal(number)
    child = int((tmp_path / "pid").read_text())
    waited(lambda: not folder.exists() and not Path(f"/proc/{child}/cmdline").exists())


def waited(until):
    last = time.monotonic() + 60
    while not until():
        assert time.monotonic() < last
        time.sleep(0.01)
