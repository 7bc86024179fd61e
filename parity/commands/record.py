"""`python -m parity record`: lets genuine TensorFlow 1.15.5 run the original, and keeps the traces.

Weights of step t would take 3 MB, so a recording defines its own: the seed's initial weights plus an 8-bit difference
that leads close to the free run's. What TensorFlow computed from exactly those weights is what is recorded.
"""

import datetime
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import platformdirs

from jaxmlp import machine
from jaxmlp.data import Dataset
from jaxmlp.program import Program
from jaxmlp.progress import Progress
from jaxmlp.run.cells import is_mnist
from jaxmlp.run.files import require_writable, write_whole
from parity.commands.options import RecordOptions
from parity.compare.archive import to_bytes
from parity.compare.probe import PROBE
from parity.compare.tensor import Coded, Named, Start, Tensor, Whole, sample, sketch
from parity.compare.trace import SERIES, StepTrace, Trace, data_digests, in_role, of_role, whole
from parity.noise import reference
from parity.noise.float64 import truth
from parity.oracle import environment, recording
from parity.oracle.ask import Oracle, Question, Tf115
from parity.oracle.live import steps_from, told
from parity.oracle.long_run import long_run
from parity.subject.port import arrays

EXACT = {"logits": 1000, "units": 200}  # images of which these are kept whole
EXACT_ROWS = 4  # rows kept whole of other tensors that are sketched
SMALL = 1024  # a tensor of so many elements is kept whole


def record(options: RecordOptions) -> int:
    """Returns 0; raises JaxmlpError or CannotCompare."""
    folder = options.into or recording.FOLDER
    require_writable(folder / "seed.npz")
    oracle = Tf115(environment.require(), threads=1, time_limit=options.time_limit)
    for seed in options.seeds:
        dataset = options.data.load(seed)
        steps = [step for step in options.steps if step < options.length] if seed in options.stepped else [0]
        program = Program(seed=seed, steps=options.length)
        folders = options.work or platformdirs.user_cache_path("jaxmlp") / "recording"
        work = folders / identity(program, dataset, steps)
        print(f"seed {seed}: {options.length} steps, kept in {work} as they come", flush=True)
        whole_set = is_mnist(dataset)  # which is at hand elsewhere, too big to be carried, and the same bits
        name = recording.path(seed, "" if whole_set else short_name(options.data.data)).name
        made = seed_recording(oracle, program, dataset, steps, work)
        content = to_bytes(*made, data=None if whole_set else arrays(dataset))
        write_whole(folder / name, content, folders=True)
        print(f"{name}: {len(content) / 1e6:.2f} MB", flush=True)
    return 0


def short_name(data: str) -> str:
    """A data set's name as part of a file's: generated:600 is generated600."""
    return re.sub(r"[^\w]+", "", data)


def seed_recording(
    oracle: Oracle, program: Program, dataset: Dataset, steps: Sequence[int], work: Path
) -> tuple[Trace, list[np.ndarray]]:
    """The trace of one seed's recording, and the arrays that its reader will know."""
    case = reference.case(program, dataset)
    case = case._replace(source=dataset.source.split(" from ")[0])  # without where this machine keeps it
    with Progress(program.steps, "step", f"TensorFlow, seed {program.seed}") as progress:
        free = long_run(oracle, case, steps, work, progress.update)
    asked = oracle.ask(case, [Question({"ask": "init"})])
    initial = of_role(asked.arrays[0], "weights")
    traced: dict[int, StepTrace] = {}
    begun = starts(free, initial, steps, reference.probe(program, dataset))
    with Progress(len(begun), "step", f"TensorFlow, seed {program.seed}, from given weights") as progress:
        for step, start in begun.items():
            weights = {name: tensor.array for name, tensor in start.items()}
            grad = truth(weights, dataset.train).logits_grad
            one = steps_from(oracle, case, {step: weights}, {step: grad})[step]  # at a time: an answer is over 10 MB
            got = {key: packed(key, tensor.array) for key, tensor in one.got.items()}
            traced[step] = StepTrace(in_role("weights", start), got)
            progress.update()
    header = told(case, initial, asked, "recording")
    header["provenance"] |= {
        "recorded": datetime.date.today().isoformat(),
        "cpu": machine.model(),
        "threads": oracle.threads,
    }
    series = {name: free[name] for name in (*SERIES, "test_predictions")}
    return Trace(header, series, traced), reference.known(program, dataset)


def starts(free: Named, initial: Named, steps: Sequence[int], probe: Named) -> dict[int, Mapping[str, Start]]:
    """The weights of each step to record, near the free run's, and the probe's."""
    found: dict[int, Mapping[str, Start]] = {}
    for step in steps:
        there = of_role(free, f"{step}/weights")
        found[step] = {name: Coded.of(initial[name], there[name]) for name in initial} if step else whole(initial)
    return {**found, PROBE: whole(probe)}


def packed(key: str, array: np.ndarray) -> Tensor:
    """Small tensors whole and large ones as sketches."""
    rows = EXACT.get(key.partition("/")[0], EXACT_ROWS)
    if array.size <= SMALL or rows >= len(array):
        return Whole(array)
    return sketch(array, sample(rows, len(array)))


def identity(program: Program, dataset: Dataset, steps: Sequence[int]) -> str:
    """A folder name for one unfinished run: another program, data set or choice of steps gets another."""
    everything = [program.digest(), program.steps, program.report_every, data_digests(arrays(dataset)), list(steps)]
    return hashlib.sha256(json.dumps(everything).encode()).hexdigest()[:16]
