"""What every peer has in common: the problem it is given, and the conversation with the process that times it.

A peer is started once with the folder of a problem, answers `{"ready": ...}`, and then one line of JSON for every line
`{"steps": k, "block": b, "arithmetic": false}` on its input. Also runs on Python 3.7, for TensorFlow 1.15: hence
`typing`'s aliases.
"""

# ruff: noqa: UP032
from __future__ import annotations

import itertools
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, NamedTuple, Sequence, Tuple

import numpy as np

ADAM = ("beta1", "beta2", "epsilon")


class Problem(NamedTuple):
    """The same arrays for every peer."""

    images: np.ndarray  # uint8 [N, 784], pixels 0 ... 255
    labels: np.ndarray  # uint8 [N]
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]  # each one's initial weights, float32 [inputs, units], and biases
    activation: str  # behind every layer but the last: "relu" or "identity"
    learning_rate: float
    device: str  # "cpu", "gpu" or "tpu"
    options: dict[str, str]  # what this contender's line in the lineup says
    scale: int  # what pixels are divided by
    program: dict[str, Any]  # the `jaxmlp.program.Program` that all of this is of, as `as_dict` has it: for ours
    rows: np.ndarray | None = None  # int32 [steps, n]: each step's images, over and over; None: a step takes all
    adam: dict[str, float] | None = None  # beta1, beta2 and epsilon of `tf.train.AdamOptimizer`; None: plain descent

    def pixels(self) -> np.ndarray:
        """float32 [N, 784], scaled as `input_data` scales them."""
        pixels = self.images.astype(np.float32)
        if self.scale != 1:
            pixels *= np.float32(1 / self.scale)
        return pixels

    @property
    def params(self) -> list[np.ndarray]:
        """Copies of all initial values: weights_1, biases_1, weights_2, …"""
        return [array.copy() for layer in self.layers for array in layer]

    def batches(self) -> Iterator[Any]:
        """The rows of step after step, without end: int32 [n], or None for all."""
        return itertools.repeat(None) if self.rows is None else itertools.cycle(self.rows)


# Takes a number of steps, returns the loss and the correct count before each step's update, on the host.
# One that leaves some of the formula out also has a method `arithmetic(steps)`, asked before these steps are run.
Run = Callable[[int], Sequence[Tuple[Any, Any]]]
Arithmetic = Dict[str, int]  # multiplications and additions, of "float32" and of "bfloat16" operands


def load(folder, options=()):
    """Reads the problem that `bench.workload.write` left in a folder; `options` are "name=value" strings."""
    arrays = {path.stem: np.load(str(path)) for path in Path(folder).glob("*.npy")}
    settings = json.loads((Path(folder) / "problem.json").read_text())
    numbers = range(1, 1 + sum(name.startswith("weights_") for name in arrays))
    layers = tuple((arrays["weights_{}".format(i)], arrays["biases_{}".format(i)]) for i in numbers)
    named = dict(option.split("=", 1) for option in options)
    adam = {name: settings.pop(name) for name in ADAM if name in settings} or None
    images, labels, rows = arrays["images"], arrays["labels"], arrays.get("rows")
    return Problem(images, labels, layers, options=named, rows=rows, adam=adam, **settings)


def serve(start: Callable[[Problem], Run], version: str, device_peak: Callable[[], int | None] = lambda: None) -> None:
    """Answers requests until the input ends. `start` sets the peer up; `device_peak` gives bytes of device memory.

    Standard output belongs to the conversation; what a framework prints there goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**fields):
        answers.write(json.dumps(fields) + "\n")
        answers.flush()

    try:
        began = time.perf_counter()
        run = start(load(sys.argv[1], sys.argv[2:]))
        answer(ready=version, prepare_seconds=time.perf_counter() - began)
        for line in sys.stdin:
            outcome = _timed(run, **json.loads(line))
            answer(peak_device_bytes=device_peak(), peak_rss_bytes=_peak_rss(), **outcome)
    except Exception as error:  # whatever a framework raises becomes the reason in this peer's row
        first_line = (str(error).strip() or "no message").splitlines()[0]
        answer(error="{}: {}".format(type(error).__name__, first_line))
        sys.exit(1)


def _timed(run: Run, steps: int, block: int, arithmetic: bool) -> dict:
    """Runs `steps` steps, `block` to a dispatch, and clocks every block ("seconds"), results on the host.

    "arithmetic" is that of every block where it is asked for and is not all of the formula's, else empty.
    """
    seconds, outcomes, counted = [], [], []
    for first in range(0, steps, block):
        count = min(block, steps - first)
        if arithmetic and hasattr(run, "arithmetic"):
            counted.append(run.arithmetic(count))
        began = time.perf_counter()
        outcomes += run(count)
        seconds.append(time.perf_counter() - began)
    losses = [float(loss) for loss, _ in outcomes]
    correct = [int(correct) for _, correct in outcomes]
    return {"seconds": seconds, "losses": losses, "correct": correct, "arithmetic": counted}


def _peak_rss() -> int:
    """Bytes: the most memory this process has held so far."""
    try:  # Linux's getrusage starts from what the parent held when it started this process; this does not
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
