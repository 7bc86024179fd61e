"""Every reader of a file, with a few files that it takes: what `fuzz` damages."""

import dataclasses
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import inside
import numpy as np
from like_tensorflow import Like

from bench import compare, older
from bench.errors import NotComparable
from jaxmlp import config_file, program_file
from jaxmlp.data.csv import load_csv
from jaxmlp.data.idx_set import load_idx
from jaxmlp.data.npz import load_npz
from jaxmlp.errors import ConfigError, DataError
from jaxmlp.execution import Execution
from jaxmlp.model import from_named
from jaxmlp.program import Adam, Batching, Dense, Program
from jaxmlp.run import cells, checkpoint, comparison, lines, model_file, status
from jaxmlp.train import TrainOptions
from jaxmlp.trainer import Report
from parity.commands.published import Runs
from parity.compare import archive
from parity.compare.npz import Damaged
from parity.compare.recorded import file as recorded
from parity.compare.tensor import Coded, Sketch, Whole
from parity.compare.trace import StepTrace, Trace
from parity.errors import CannotCompare
from parity.mutants import finding
from parity.noise import kept, published
from parity.oracle import answer
from parity.oracle.asked import Case, Question

PROGRAM = Program((Dense(3),), optimizer=Adam(), batching=Batching(5, "next_batch"), steps=4, report_every=2, scale=255)
NUMBERS = np.random.default_rng(0)


class Reader(NamedTuple):
    """Of one kind of file. `again`, where given: what is read of what is written of a value."""

    name: str
    file: str  # what the file is called, for some look for others beside it
    seeds: Callable[[Path], list[bytes]]
    read: Callable[[Path], Any]
    mistakes: tuple[type[Exception], ...]
    again: Callable[[Any, Path], Any] | None = None


def _checkpoint(folder: Path) -> list[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    facts = checkpoint.Facts(PROGRAM, Execution(), "a" * 64, Report(1, 2.5, 30.0, None), lines.Prefix(), None)
    best = facts._replace(best=checkpoint.Best(0, 40.0))
    tensors = {"weights_1": NUMBERS.normal(size=(784, 3)).astype(np.float32), "state/step": np.array(2, np.int32)}
    for one in (facts, best):
        checkpoint.write(folder / f"{one.best}.safetensors", checkpoint.Checkpoint(one, tensors))
    return [file.read_bytes() for file in folder.iterdir()]


def _checkpoint_again(value: Any, folder: Path) -> Any:
    checkpoint.write(folder / "again", value)
    return checkpoint.read(folder / "again")


def _model(folder: Path) -> list[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    shapes = [("weights", (784, 2)), ("biases", (2,)), ("weights", (2, 10)), ("biases", (10,))]
    params = from_named({f"{n}_{i // 2 + 1}": np.zeros(s, np.float32) for i, (n, s) in enumerate(shapes)})
    model_file.write_model(folder / "model", Program((Dense(2),)), params)
    return [(folder / "model").read_bytes()]


def _cells(folder: Path) -> list[bytes]:
    rest = {"failure": None, "seconds": 1.5, "program": _plain(), "program_digest": PROGRAM.digest(), "data_digest": ""}
    own = [
        cells.Cell({"layers": "3"}, 0, 4, "MNIST", loss, 2.0, 3.0, diverged_at, **rest)
        for loss, diverged_at in ((1.5, None), (None, 3))
    ]
    cells.write_cells(folder, own)
    return [(folder / "results.json").read_bytes()]


def _cells_again(value: Any, folder: Path) -> Any:
    cells.write_cells(folder / "again", value)
    return cells.read_cells(folder / "again", True)


def _plain() -> dict[str, Any]:
    return json.loads(json.dumps(PROGRAM.as_dict()))


def _bench(_: Path) -> list[bytes]:
    workload = {"data": "mnist", "images": 60, "hidden": 3, "classes": 10, "device": "cpu"}
    rows = [{"name": n, "ours": n == "jaxmlp", "status": "ok", "rounds": [[0.1, 0.2], [0.1]]} for n in ("jaxmlp", "tf")]
    result = {"format": 1, "workload": workload, "roofline": {"device_name": "x"}, "processor": "y", "contenders": rows}
    return [json.dumps(result).encode()]


def _bench_used(value: older.Timings, _: Path) -> older.Timings:
    compare.text(compare.changes(value, value), value, value)
    return value


def _findings(_: Path) -> list[bytes]:
    told = (("a", "T1 loss", 2.5, "loss", True), ("b", "nothing", float("inf"), "", False))
    return [finding.to_json([finding.Finding(*one) for one in told]).encode()]


def _findings_again(value: Any, folder: Path) -> Any:
    (folder / "again").write_text(finding.to_json(value), encoding="utf-8")
    return finding.read_findings(folder / "again")


IDENTITY = {"data": "c" * 64, "program": PROGRAM.digest(), "steps": 4, "report_every": 2}


def _runs(_: Path) -> list[bytes]:
    row = {str(step): [1.5, 2.0, 30.0] for step in published.TABLE}
    rows = {side: {"0": row, "1": row} for side in ("port", "tf115")}
    return [json.dumps({"identity": IDENTITY, "rows": rows}).encode()]


def _runs_used(value: Any, _: Path) -> Any:
    for rows in value.values():
        published.table(published.places([*rows.values()] or [{str(step): [0.0] * 3 for step in published.TABLE}]))
    return value


def _budget(_: Path) -> list[bytes]:
    numbers = {name: [0.1, 0.2, 0.3] for name in kept.SERIES}
    made = {"date": "today", "processor": "a processor"}
    counts = {"horizon": 2, "test_limits": {"0": 1.0}, "variants": ["one"]}
    return [json.dumps({"made": made, **counts, **numbers}).encode()]


def _recording(_: Path) -> list[bytes]:
    array = NUMBERS.normal(size=(4, 3)).astype(np.float32)
    sketch = Sketch(np.zeros(8), np.array([1]), array[:1], (4, 3))
    coded = Coded(array, np.ones((4, 3), np.int8), np.full(4, 1e-3, np.float32))
    start, got = {"weights/weights_1": coded}, {"grads/weights_1": sketch, "loss/loss": Whole(np.float32(2))}
    series = {"losses": np.zeros(2, np.float32)}
    return [archive.to_bytes(Trace({"who": "x", "side": "reference"}, series, {0: StepTrace(start, got)}))]


def _adopted(folder: Path) -> list[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    kinds = [Like("ApplyGradientDescent", steps=(0, 1)), Like(clip=0.05, steps=(0, 1, 3))]
    return [recorded.to_bytes(like.recording(folder / f"raw{i}", NUMBERS)) for i, like in enumerate(kinds)]


def _toml(_: Path) -> list[bytes]:
    rich = dataclasses.replace(PROGRAM, layers=(Dense(4, keep_prob=0.5), Dense(2, bias=None)), epochs=None)
    return [program_file.text(one).encode() for one in (PROGRAM, rich)] + [json.dumps(_plain()).encode()]


def _program_again(value: Program, folder: Path) -> Program:
    (folder / "again.toml").write_text(program_file.text(value), encoding="utf-8")
    return program_file.read(folder / "again.toml")


def _options(_: Path) -> list[bytes]:
    told = {"program": _plain(), "options": {"seed": 3, "data": "generated:60", "learning_rate": 0.1, "steps": 5}}
    return [b'steps = 3\nlearning-rate = 1e-3\n[data]\ndata = "mnist"\n', json.dumps(told).encode()]


def _config(_: Path) -> list[bytes]:
    told = {name: {} for name in ("execution", "device", "versions")}
    return [json.dumps({"program": _plain(), "data": "MNIST", **told}).encode()]


def _metrics(_: Path) -> list[bytes]:
    rows = [{"step": i, "loss": 2.0, "train_accuracy": 10.0, "test_accuracy": 20.0} for i in range(3)]
    return ["".join(json.dumps(row) + "\n" for row in rows).encode()]


def _compared(file: Path) -> Any:
    (file.parent / "metrics.jsonl").touch()
    return comparison.compare(file.parent, file.parent), status.status_of(file.parent)


def _sweep(file: Path) -> list[cells.Cell]:
    return cells.read_cells(file.parent, True)


def _status(file: Path) -> Any:
    config = file.with_name("config.json")
    if not config.exists():
        config.write_bytes(_config(file.parent)[0])
    return _compared(file)


CASE = Case(
    {"layers": [{"units": 3}], "output": {}, "steps": 2},
    "",
    {"train_images": np.zeros((4, 5), np.uint8), "train_labels": np.zeros(4, np.uint8)},
    2,
    "",
)


def _answer(folder: Path) -> list[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    told = json.dumps({"provenance": {"tensorflow": "1.15.5", "graph_digest": ""}, "error": ""}).encode()
    weights = {f"0/weights/{name}": np.zeros(shape, np.float32) for name, shape in answer.weights(CASE).items()}
    np.savez(folder / "answer.npz", header=np.frombuffer(told, np.uint8), **weights)
    return [(folder / "answer.npz").read_bytes()]


def _npz(folder: Path) -> list[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"x_train": np.zeros((3, 28, 28), np.uint8), "y_train": np.arange(3)}
    arrays |= {"x_test": np.ones((2, 784), np.uint8), "y_test": np.zeros(2, np.uint8)}
    for save in (np.savez, np.savez_compressed):
        save(folder / f"{save.__name__}.npz", **arrays)
    return [file.read_bytes() for file in folder.iterdir()]


def _idx(_: Path) -> list[bytes]:
    return [struct.pack(">4I", 0x803, 2, 28, 28) + bytes(2 * 784)]


def _idx_set(file: Path) -> Any:
    for name, count in (("train-labels-idx1-ubyte", 2), ("t10k-labels-idx1-ubyte", 2)):
        file.with_name(name).write_bytes(struct.pack(">2I", 0x801, count) + bytes(range(count)))
    file.with_name("t10k-images-idx3-ubyte").write_bytes(_idx(file)[0])
    return load_idx(file.parent)


def _csv(_: Path) -> list[bytes]:
    row = ",".join(["3", *["0"] * 784])
    header = "label," + ",".join(f"p{i}" for i in range(784))
    return ["\n".join([*first, *[row] * 12]).encode() for first in ([header], [])]


def _inside(reader: Reader, find: inside.Inside, around: inside.Around) -> Reader:
    """Of the JSON in a reader's first seed, see `inside`."""
    whole: list[bytes] = []

    def seeds(folder: Path) -> list[bytes]:
        whole[:] = reader.seeds(folder)[:1]  # around which all is put
        return [find(one) for one in whole]

    def read(file: Path) -> Any:
        made = file.with_name(reader.file)
        made.write_bytes(around(whole[0], file.read_bytes()))
        return reader.read(made)

    return reader._replace(name=f"inside {reader.name}", file="inside.json", seeds=seeds, read=read)


WHOLE = (
    Reader("checkpoint", "c.safetensors", _checkpoint, checkpoint.read, (DataError,), _checkpoint_again),
    Reader("model", "m.safetensors", _model, model_file.read_model, (DataError,)),
    Reader("sweep", "results.json", _cells, _sweep, (ConfigError,), _cells_again),
    Reader("bench", "result.json", _bench, older.read, (NotComparable,), _bench_used),
    Reader("findings", "f.json", _findings, finding.read_findings, (DataError,), _findings_again),
    Reader("published", "runs.json", _runs, lambda file: Runs(file, IDENTITY).rows, (ConfigError,), _runs_used),
    Reader("budget", "b.json", _budget, kept.read, (DataError,)),
    Reader("recording", "r.npz", _recording, archive.read, (CannotCompare,)),
    Reader("adopted", "recording.npz", _adopted, recorded.read, (CannotCompare,)),
    Reader("program", "p.toml", _toml, program_file.read, (ConfigError,), _program_again),
    Reader("options", "o.toml", _options, lambda file: config_file.read(TrainOptions, file), (ConfigError,)),
    Reader("config", "config.json", _config, _compared, (ConfigError, DataError)),
    Reader("metrics", "metrics.jsonl", _metrics, _status, (ConfigError, DataError)),
    Reader("answer", "a.npz", _answer, lambda file: answer.read(file, CASE, [Question({"ask": "init"})]), (Damaged,)),
    Reader("npz", "n.npz", _npz, load_npz, (DataError,)),
    Reader("idx", "train-images-idx3-ubyte", _idx, _idx_set, (DataError,)),
    Reader("csv", "c.csv", _csv, load_csv, (DataError,)),
)  # fmt: skip

NAMED = {reader.name: reader for reader in WHOLE}
READERS = (
    *WHOLE,
    _inside(NAMED["checkpoint"], *inside.of_metadata(checkpoint.KEY)),
    _inside(NAMED["model"], *inside.of_metadata("program")),
    *(_inside(NAMED[name], *inside.of_header()) for name in ("recording", "adopted", "answer")),
)
