"""The reference's trace, asked of a live TensorFlow: a free run, then every chosen step again from its weights."""

import numpy as np

from jaxmlp.config import Config
from jaxmlp.data.dataset import Dataset
from parity.exact import Exact, exact_step
from parity.oracle import Answers, Arrays, Oracle, Question
from parity.probe import PROBE, probe_weights
from parity.sketch import Tensor, Whole
from parity.trace import TENSORS, FreeRun, StepTrace, Trace, Update, data_digests, weight_digests


def live_trace(oracle: Oracle, config: Config, dataset: Dataset, steps: list[int]) -> tuple[Trace, dict[int, Exact]]:
    """`config.steps` free steps; `steps`, all below that, and the probe, one at a time; what float64 says of each."""
    run = {"ask": "run", "first": 0, "steps": config.steps, "report_every": config.report_every, "weights_at": steps}
    initial, free = (answers := oracle.ask(config, dataset, [Question({"ask": "init"}), Question(run)])).arrays
    weights = {step: {name: free[f"{step}/{name}"] for name in TENSORS} for step in steps}
    weights[PROBE] = probe_weights(config.hidden, len(dataset.class_names))
    exacts = {step: exact_step(arrays, dataset.train) for step, arrays in weights.items()}
    stepped = ask_steps(oracle, config, dataset, weights, exacts)
    trace = Trace(
        side="reference",
        who=f"TensorFlow {answers.provenance['tensorflow']}",
        provenance={"oracle": oracle.name, **answers.provenance},
        digests={**data_digests(dataset), **weight_digests(initial)},
        images=len(dataset.train.labels),
        free=free_run(free),
        steps=stepped,
    )
    return trace, exacts


def ask_steps(
    oracle: Oracle, config: Config, dataset: Dataset, weights: dict[int, Arrays], exacts: dict[int, Exact]
) -> dict[int, StepTrace]:
    """One step, and one backward pass with the derivative by the logits handed over, from each step's weights."""
    questions, images = [], len(dataset.train.labels)
    for step, arrays in weights.items():
        questions.append(Question({"ask": "step"}, arrays))
        of_the_mean = exacts[step].logits_grad / np.float32(images)  # scaled before it is summed, as in the program
        questions.append(Question({"ask": "backward"}, {**arrays, "logits_grad": of_the_mean}))
    answers: Answers = oracle.ask(config, dataset, questions)
    pairs = zip(answers.arrays[::2], answers.arrays[1::2], strict=True)
    return {
        step: _step_trace(arrays, stepped, backward)
        for (step, arrays), (stepped, backward) in zip(weights.items(), pairs, strict=True)
    }


def free_run(answer: Arrays) -> FreeRun:
    """The series of an answer to "run"."""
    tests = zip(answer["test_steps"].tolist(), answer["test_corrects"].tolist(), strict=True)
    return FreeRun(answer["losses"], answer["corrects"], dict(tests))


def _step_trace(weights: Arrays, stepped: Arrays, backward: Arrays) -> StepTrace:
    def tensors(prefix: str) -> dict[str, Tensor]:
        return {name: Whole(stepped[prefix + name]) for name in TENSORS}

    return StepTrace(
        loss=stepped["loss"],
        correct=int(stepped["correct"]),
        logits=Whole(stepped["logits"]),
        active=Whole(stepped["active"]),
        update=Update({name: weights[name] for name in TENSORS}, tensors("grads/"), tensors("new/")),
        backward={name: Whole(backward[name]) for name in TENSORS},
    )
