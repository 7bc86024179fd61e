"""`python -m parity.oracle.restamp`: rewrites recordings of format 1 in the format of `compare/archive.py`, once.

Every tensor stays as it is. New are the program's and the graph's digest, and one over the whole content.
"""

import json

import numpy as np

from jaxmlp.program import Program
from jaxmlp.run.files import write_whole
from jaxmlp.tf1.random import stream, truncated_normal
from parity.compare.archive import Arrays, to_bytes
from parity.compare.probe import PROBE, probe_weights
from parity.compare.tensor import Coded, Sketch, Start, Tensor, Whole, digest
from parity.compare.trace import StepTrace, Trace
from parity.errors import CannotCompare
from parity.oracle import environment, recording
from parity.oracle.ask import Case, Question, Tf115

ROLES = {"active": "units/1", "loss": "loss/loss", "correct": "correct/correct", "logits": "logits/logits"}
KINDS = {"grads": "grads", "new": "weights", "backward": "backward"}
SERIES = ("losses", "corrects", "test_steps", "test_corrects", "test_predictions")


def main() -> None:
    """Rewrites every recording there is. Raises CannotCompare, before anything is written, where one is not as told."""
    for seed in recording.seeds():
        file = recording.path(seed)
        with np.load(file, allow_pickle=False) as npz:
            arrays = {name: npz[name] for name in npz.files}
        known = [*initial(seed).values(), *probe_weights((784, 1024, 10)).values()]
        write_whole(file, to_bytes(restamped(seed, json.loads(arrays.pop("header").tobytes()), arrays), known))


def restamped(seed: int, header: dict, arrays: Arrays) -> Trace:
    """The trace in a recording of format 1."""
    if header["format"] != 1:
        raise CannotCompare(f"the recording of seed {seed} has format {header['format']}, not 1")
    program = Program(seed=seed, steps=len(arrays["losses"]))
    provenance = {key: header[key] for key in ("tensorflow", "numpy", "python", "op_seeds", "recorded", "cpu")}
    told = {
        "side": "reference",
        "who": f"TensorFlow {header['tensorflow']}",
        "provenance": {"oracle": "recording", **provenance, "threads": header["threads"]},
        "digests": {**header["data"], **header["initial"]},
        "images": header["images"],
        "tests": len(arrays["test_predictions"]),
        "source": header["source"],
        "program": program.as_dict(),
        "program_digest": program.digest(),
        "graph_digest": graph_digest(program),
    }
    series = {name: arrays[name] for name in SERIES}
    return Trace(told, series, {step: _step(seed, arrays, step) for step in header["steps"]})


def graph_digest(program: Program) -> str:
    """As genuine TensorFlow 1.15.5 gives it."""
    images, labels = np.zeros((2, 784), np.uint8), np.zeros(2, np.uint8)
    data = {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}
    case = Case(program.as_dict(), program.digest(), data, 10, "none")
    return Tf115(environment.require()).ask(case, [Question({"ask": "init"})]).provenance["graph_digest"]


def initial(seed: int) -> Arrays:
    """What the original starts from."""
    return {
        "weights_1": truncated_normal((784, 1024), stream(seed, 21)),
        "biases_1": np.zeros(1024, np.float32),
        "weights_2": truncated_normal((1024, 10), stream(seed, 39)),
        "biases_2": np.zeros(10, np.float32),
    }


def _step(seed: int, arrays: Arrays, step: int) -> StepTrace:
    start = _start(seed, arrays, step)
    if arrays[f"{step}/start"].tobytes().decode() != "".join(digest(tensor.array) for tensor in start.values()):
        raise CannotCompare(f"the weights of step {step} of seed {seed} do not come out as recorded")
    got = {key: _unpacked(arrays, f"{step}/{old}") for old, key in ROLES.items()}
    for old, role in KINDS.items():
        got |= {f"{role}/{name}": _unpacked(arrays, f"{step}/{old}/{name}") for name in start}
    return StepTrace({f"weights/{name}": tensor for name, tensor in start.items()}, got)


def _start(seed: int, arrays: Arrays, step: int) -> dict[str, Start]:
    if step in (0, PROBE):
        weights = probe_weights((784, 1024, 10)) if step == PROBE else initial(seed)
        return {name: Whole(array) for name, array in weights.items()}
    return {
        name: Coded(base, arrays[f"{step}/codes/{name}"], arrays[f"{step}/scale/{name}"])
        for name, base in initial(seed).items()
    }


def _unpacked(arrays: Arrays, name: str) -> Tensor:
    if name in arrays:
        return Whole(arrays[name])
    sums, rows, values, shape = (arrays[f"{name}/{part}"] for part in ("sums", "rows", "values", "shape"))
    return Sketch(sums, rows, values, tuple(shape.tolist()))


if __name__ == "__main__":
    main()
