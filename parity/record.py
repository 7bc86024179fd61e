"""`python -m parity record`: lets genuine TensorFlow 1.15.5 run the original and keeps what `recording.py` reads."""

import dataclasses
import datetime
import hashlib
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from jaxmlp import command_line
from parity.chosen import STEPS

DESCRIPTION = "Record genuine TensorFlow 1.15.5 running the original program, one thread, a file a seed. Resumable."
LEVELS = 127  # of an 8-bit difference, either way
EXACT_IMAGES = 1000  # images whose logits are kept whole
EXACT_ACTIVE = 200  # images whose active units are kept
EXACT_ROWS = 4  # rows kept whole of the tensors that are sketched


@dataclasses.dataclass(frozen=True)
class RecordOptions:
    """Options of a recording."""

    seeds: Annotated[tuple[int, ...], tyro.conf.arg(metavar="G")] = (0, 1, 2)
    """graph seeds, each with its whole free run, step 0 and the probe"""
    stepped: Annotated[tuple[int, ...], tyro.conf.arg(metavar="G")] = (0,)
    """those of them that are recorded at every chosen step, 7 MB each"""
    steps: Annotated[tuple[int, ...], tyro.conf.arg(metavar="T")] = STEPS
    """steps to record one by one"""
    length: Annotated[int, tyro.conf.arg(metavar="N")] = 301
    """steps of the free run"""
    data: Annotated[str, tyro.conf.arg(metavar="NAME")] = "mnist"
    """mnist, tfds:NAME[/CONFIG] or generated[:N]"""
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """folder with the data's files; also $JAXMLP_DATA_DIR"""
    into: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """where the recordings go; default: parity/recordings"""
    work: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None
    """where unfinished runs are kept; default: the user's cache"""
    time_limit: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 7200
    """for one answer of TensorFlow's, at most 25 steps"""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE.toml")] = None
    """any of these options by name; the command line wins over it"""

    def __post_init__(self):
        from jaxmlp.data.load import check_name

        check_name(self.data)


def record(argv: Sequence[str] | None) -> int:
    """Returns 0; raises JaxmlpError."""
    options = command_line.parse(RecordOptions, argv, "python -m parity record", DESCRIPTION)
    import platformdirs

    from jaxmlp.config import Config
    from jaxmlp.data import load
    from parity import environment, recording
    from parity.oracle import Tf115

    dataset = load(options.data, options.data_dir)
    oracle = Tf115(environment.require(), threads=1, time_limit=options.time_limit)
    folder = options.into or recording.FOLDER
    for seed in options.seeds:
        steps = [step for step in options.steps if step < options.length] if seed in options.stepped else [0]
        config = Config(seed=seed, steps=options.length)
        kept = options.work or platformdirs.user_cache_path("jaxmlp") / "recording"
        work = kept / _identity(config, dataset, steps)
        print(f"seed {seed}: {options.length} steps, kept in {work} as they come", flush=True)
        header, arrays = seed_recording(oracle, config, dataset, steps, work)
        recording.write(folder / f"seed{seed}.npz", header, arrays)
        print(f"seed {seed}: {(folder / f'seed{seed}.npz').stat().st_size / 1e6:.2f} MB", flush=True)
    return 0


def seed_recording(oracle, config, dataset, steps: list[int], work: Path) -> tuple[dict[str, Any], dict]:
    """Header and arrays of one seed's recording."""
    from parity import recording
    from parity.exact import exact_step
    from parity.long_run import long_run
    from parity.oracle import PROGRAM, Question
    from parity.probe import PROBE
    from parity.reference import ask_steps
    from parity.trace import TENSORS, data_digests, file_digest, weight_digests

    free = long_run(oracle, config, dataset, steps, work)
    asked = oracle.ask(config, dataset, [Question({"ask": "init"})])
    initial = asked.arrays[0]
    arrays = {name: free[name] for name in ("losses", "corrects", "test_steps", "test_corrects", "test_predictions")}
    for step in steps:
        for name in TENSORS if step else ():
            codes, scale = recording.coded(initial[name], free[f"{step}/{name}"], LEVELS)
            arrays |= {f"{step}/codes/{name}": codes, f"{step}/scale/{name}": scale}
    starts = {step: recording.weights(arrays, step, initial) for step in [*steps, PROBE]}
    for (
        step,
        start,
    ) in starts.items():  # one at a time: an answer is over 10 MB
        exacts = {step: exact_step(start, dataset.train)}
        answer = ask_steps(oracle, config, dataset, {step: start}, exacts)[step]
        arrays |= packed(step, answer) | {f"{step}/start": _text("".join(weight_digests(start).values()))}
    header = {
        "format": recording.FORMAT,
        "program": file_digest(PROGRAM),
        "config": {name: getattr(config, name) for name in recording.RECORDED},
        "source": dataset.source.split(" from ")[0],
        "images": len(dataset.train.labels),
        "data": data_digests(dataset),
        "initial": weight_digests(initial),
        "steps": list(starts),
        **asked.provenance,
        "recorded": datetime.date.today().isoformat(),
        "cpu": _cpu(),
        "threads": oracle.threads,
    }
    return header, arrays


def packed(step: int, answer) -> dict:
    """One step's answer, small tensors whole and large ones as sketches."""
    from parity import recording
    from parity.sketch import Whole, sample, sketch

    def kept(name: str, tensor, rows: int) -> dict:
        array = tensor.array
        if array.size <= 1024 or rows >= len(array):
            return recording.pack(f"{step}/{name}", Whole(array))
        return recording.pack(f"{step}/{name}", sketch(array, sample(rows, len(array))))

    arrays = {f"{step}/loss": answer.loss, f"{step}/correct": answer.correct}
    arrays |= kept("logits", answer.logits, EXACT_IMAGES) | kept("active", answer.active, EXACT_ACTIVE)
    for kind, tensors in (("grads", answer.update.grads), ("new", answer.update.new), ("backward", answer.backward)):
        for name, tensor in tensors.items():
            arrays |= kept(f"{kind}/{name}", tensor, EXACT_ROWS)
    return arrays


def _identity(config, dataset, steps: list[int]) -> str:
    """A folder name for one unfinished run: another program, data set or configuration gets another."""
    from parity.oracle import PROGRAM
    from parity.recording import RECORDED
    from parity.trace import data_digests, file_digest

    hyperparameters = [getattr(config, name) for name in (*RECORDED, "steps", "report_every")]
    everything = [file_digest(PROGRAM), data_digests(dataset), hyperparameters, steps]
    return hashlib.sha256(json.dumps(everything).encode()).hexdigest()[:16]


def _cpu() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _text(text: str):
    import numpy as np

    return np.frombuffer(text.encode(), np.uint8)
