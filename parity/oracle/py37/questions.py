"""What `serve.py` can be asked about a program. Each answer comes from a session of its own: nothing was drawn in it.

Arrays are named "role/name", "weights/weights_1" for one; so are those that a question brings with it.
"""

from __future__ import annotations

from typing import Any, Dict

import numpy as np

from .fields import reports
from .training import Training

Arrays = Dict[str, np.ndarray]
Ask = Dict[str, Any]
GIVEN = ("rate/", "masks/")  # what a step shows of itself that is no result of it
TOLD = ("loss/", "correct/", "logits/", "units/", "grads/")  # what is told of a single step


def init(training: Training, question: Ask, arrays: Arrays) -> Arrays:
    """The initial weights."""
    training.start()
    return training.state("weights/")


def run(training: Training, question: Ask, arrays: Arrays) -> Arrays:
    """`steps` updates: losses float32 [S], correct counts int64 [S], test counts at reports; then the weights and
    the softmax of all test images, float32 [M, C], which the original evaluates once more at its end.
    """
    first, last = question["first"], question["first"] + question["steps"]
    _start_within(training, last, arrays, first)
    losses, corrects, tests, answer = [], [], {}, {}
    for step in range(first, last):
        if step in question["weights_at"]:
            answer.update((f"{step}/{name}", value) for name, value in training.state("weights/").items())
        loss, correct = training.update(step, training.ops.seen["loss/loss"])
        losses.append(loss)
        corrects.append(correct)
        if reports(training.program, step, question["report_every"]):
            tests[step] = training.test_correct()
    counts = {"corrects": corrects, "test_steps": list(tests), "test_corrects": list(tests.values())}
    answer.update((name, np.array(numbers, np.int64)) for name, numbers in counts.items())
    answer.update(training.state("weights/"), losses=np.array(losses, np.float32))
    answer["test_predictions"] = training.test_predictions()
    return answer


def trace(training: Training, question: Ask, arrays: Arrays) -> Arrays:
    """Of each of `steps` updates t from the initial weights, "t/start/role/name" and "t/got/role/name".

    start: weights, slots and scalars before the update; rate/rate float32; step/step int64, updates done; batch/rows
    int32 [n], of minibatches; masks/input, masks/1, … bool [n, units], what dropout kept. got: loss/loss with penalty;
    correct/correct int64; logits/logits and logits_grad/logits, by which the loss without penalty changes, [n, C];
    units/1, … uint8, packed bits, where x W + b > 0; grads of the loss; backward, of the loss without penalty; clipped,
    where gradients are; weights, slots and scalars after the update; test/correct int64 where a report follows.
    """
    training.start(question["steps"])
    answer, before = {}, training.remembered(0)
    for step in range(question["steps"]):
        start, got = _seen(training, step)
        after = training.remembered(step + 1)
        start.update(before)
        got.update((name, value) for name, value in after.items() if name != "step/step")
        if reports(training.program, step, training.program["report_every"]):
            got["test/correct"] = np.array(training.test_correct(), np.int64)
        answer.update((f"{step}/start/{name}", value) for name, value in start.items())
        answer.update((f"{step}/got/{name}", value) for name, value in got.items())
        before = after
    return answer


def step(training: Training, question: Ask, arrays: Arrays) -> Arrays:
    """One step from the given weights: what it saw before the update, and the weights after it."""
    training.start()
    training.load(arrays)
    _, got = _seen(training, 0)
    told = {name: value for name, value in got.items() if name.startswith(TOLD)}
    return {**told, **training.state("weights/")}


def backward(training: Training, question: Ask, arrays: Arrays) -> Arrays:
    """The gradients that the loss's derivative by the logits, float32 [N, C], sends back from the given weights."""
    training.start()
    training.load(arrays)
    return {f"backward/{name}": grad for name, grad in training.backward(arrays["logits_grad"]).items()}


def _start_within(training: Training, steps: int, weights: Arrays, first: int) -> None:
    """In the middle of a run, too, where there is nothing to know but the weights."""
    if (weights or first) and training.remembers():
        raise ValueError("run: only weights can be carried on, and this program remembers more: ask for all its steps")
    training.start(steps)
    if weights:
        training.load(weights)


def _seen(training: Training, step: int) -> tuple[Arrays, Arrays]:
    """What an update was given, and what it shows."""
    seen, correct = training.update(step, training.ops.seen)
    start = {name: seen.pop(name) for name in list(seen) if name.startswith(GIVEN)}
    if "rate/rate" not in start:
        start["rate/rate"] = np.array(training.rate(step))
    if training.rows is not None:
        start["batch/rows"] = training.rows[step]
    for name in [name for name in seen if name.startswith("units/")]:
        seen[name] = np.packbits(seen[name], axis=1)  # uint8 [n, ceil(units / 8)]
    return start, dict(seen, **{"correct/correct": np.array(correct, np.int64)})


QUESTIONS = {"init": init, "run": run, "trace": trace, "step": step, "backward": backward}
