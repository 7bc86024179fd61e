"""The reference's trace, asked of a live TensorFlow: a free run, then every chosen step again from its weights."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from parity.compare.tensor import Named
from parity.compare.trace import SERIES, StepTrace, Trace, header, in_role, of_role, whole
from parity.oracle.ask import Answers, Case, Oracle, Question

LogitsGrad = Callable[[int, Mapping[str, np.ndarray]], np.ndarray]  # step, weights by name -> float32 [N, C]


def live_trace(
    oracle: Oracle, case: Case, steps: Sequence[int], extra: Mapping[int, Named], logits_grad: LogitsGrad
) -> Trace:
    """The program's free run; `steps`, all below its length, and `extra` starts (weights by name), one at a time.

    `logits_grad`: the derivative of an image's loss by its logits, which both sides are handed for T2b.
    """
    run = Question({**whole_run(case), "weights_at": list(steps)})
    initial, free = (answers := oracle.ask(case, [Question({"ask": "init"}), run])).arrays
    starts = {step: of_role(free, f"{step}/weights") for step in steps} | dict(extra)
    traced = steps_from(oracle, case, starts, {step: logits_grad(step, weights) for step, weights in starts.items()})
    series = {name: free[name] for name in SERIES}
    return Trace(told(case, of_role(initial, "weights"), answers, oracle.name), series, traced)


def steps_from(
    oracle: Oracle, case: Case, starts: Mapping[int, Named], logits_grads: Mapping[int, np.ndarray]
) -> dict[int, StepTrace]:
    """One step, and one backward pass with the derivative by the logits handed over, from weights by name."""
    questions, images = [], len(case.data["train_labels"])
    named = {step: in_role("weights", weights) for step, weights in starts.items()}
    for step, start in named.items():
        of_the_mean = logits_grads[step] / np.float32(images)  # scaled before it is summed, as in the program
        handed = {**start, "logits_grad": of_the_mean}
        questions += [Question({"ask": "step"}, start), Question({"ask": "backward"}, handed)]
    answers = oracle.ask(case, questions).arrays
    parts = zip(named.items(), answers[::2], answers[1::2], strict=True)
    return {step: StepTrace(whole(start), whole({**got, **back})) for (step, start), got, back in parts}


def free_run(oracle: Oracle, case: Case) -> Named:
    """The series of the program's free run."""
    answer = oracle.ask(case, [Question({**whole_run(case), "weights_at": []})]).arrays[0]
    return {name: answer[name] for name in SERIES}


def whole_run(case: Case) -> dict[str, Any]:
    """The question for all steps of the program, but for whose weights are wanted."""
    return {"ask": "run", "first": 0, "steps": case.program["steps"], "report_every": case.program["report_every"]}


def told(case: Case, initial: Named, answers: Answers, oracle: str) -> dict[str, Any]:
    """The header of a reference's trace."""
    provenance = {"oracle": oracle, **answers.provenance}
    graph = {"graph_digest": provenance.pop("graph_digest")}
    program = {"source": case.source, "program": dict(case.program), "program_digest": case.digest, **graph}
    return {**header("reference", f"TensorFlow {provenance['tensorflow']}", provenance, case.data, initial), **program}
