"""A perceptron from the textbook, of any depth, in NumPy: both sides of a comparison for tests of the lower floors."""

import hashlib
import json
from typing import NamedTuple

import numpy as np

from parity.compare.probe import PROBE, probe_weights
from parity.compare.rules import rule_of
from parity.compare.tensor import Whole
from parity.compare.tiers import compare
from parity.compare.trace import StepTrace, Trace, header
from parity.oracle.ask import Answers, Case
from parity.oracle.live import live_trace

PIXELS, CLASSES = 36, 10
DEPTHS = [(), (36,), (12, 9)]  # of one, two and three layers; 36: as many units as pixels, so that W1 is square


def program(units=(36,), seed=3, steps=3):
    """As `jaxmlp.program.Program.as_dict` has it; every layer's inputs come out near 1."""
    *hidden, output = ({"kernel": {"stddev": 1e-3 if i == 0 else width**-0.5}} for i, width in enumerate((1, *units)))
    return {
        "layers": [{"units": width, **kernel} for width, kernel in zip(units, hidden, strict=True)],
        "output": output,
        "optimizer": {"learning_rate": 1e-4},
        "steps": steps,
        "report_every": 2,
        "seed": seed,
    }


def data(rng, images=60, tests=20, pixels=PIXELS):
    """Noise for images, the first of them blank."""
    train, test = (rng.integers(0, 256, (count, pixels), np.uint8) for count in (images, tests))
    train[0] = 0
    labels = [rng.integers(0, CLASSES, count).astype(np.uint8) for count in (images, tests)]
    return {"train_images": train, "train_labels": labels[0], "test_images": test, "test_labels": labels[1]}


def case(rng, program, **sizes):
    """What an oracle is asked about; the digest is anything that tells programs apart."""
    counted = {name: value for name, value in program.items() if name not in ("steps", "report_every")}
    told = hashlib.sha256(json.dumps(counted).encode()).hexdigest()
    return Case(program, told, data(rng, **sizes), CLASSES, "noise")


def starts(units=(36,), pixels=PIXELS):
    """Weights at step 0, the probe's with other signs, and at the probe."""
    probe = probe_weights([pixels, *units, CLASSES])
    return {0: {name: -array for name, array in probe.items()}, PROBE: probe}


def trace(side, program, data, starts, steps=None, backwards=False):
    """A trace of one side; `backwards`: with the images in reverse, which rounds every sum otherwise."""
    book = Book(program, data, backwards)
    told = header(side, f"a {side}", {}, data, starts[0])
    taken = {step: book.step_trace(weights, logits_grad(weights, data)) for step, weights in starts.items()}
    series = book.free(starts[0], program["steps"] if steps is None else steps)
    del series["weights"]
    return Trace(told, series, taken)


def pair(rng, units=(36,)):
    """A reference and a subject that rounds otherwise, and what `compared` needs besides."""
    asked, split, begun = program(units), data(rng), starts(units)
    two = (trace(side, asked, split, begun, backwards=side == "subject") for side in ("reference", "subject"))
    return *two, {step: Noise(weights, split) for step, weights in begun.items()}


def failed(reference, subject, noises, budget=None):
    """Tier and tensor of the checks that fail."""
    return {(check.tier, check.tensor) for check in checks(reference, subject, noises, budget) if not check.passed}


def checks(reference, subject, noises, budget=None):
    return compare(reference, subject, noises, rule_of(program()), budget)


def with_got(trace, step=0, **changes):
    """The trace with tensors that a step got changed: grads__weights_1=array."""
    new = {key.replace("__", "/"): Whole(array) for key, array in changes.items()}
    one = trace.steps[step]
    return trace._replace(steps={**trace.steps, step: one._replace(got={**one.got, **new})})


class Book(NamedTuple):
    """Forward, back, update."""

    program: dict
    data: dict
    backwards: bool = False

    def step_trace(self, weights, handed):
        got = self.step(weights)
        after = of_role(got, "weights")
        back = {f"backward/{name}": grad for name, grad in self.gradient(weights, handed).items()}
        return StepTrace(
            whole(named(weights)),
            whole({**got, **back}),
            StepTrace(whole(named(after)), whole(self.step(after))),
        )

    def step(self, weights):
        """What one step got, by "role/name"."""
        images, labels = self.data["train_images"], self.data["train_labels"]
        inputs, logits = forward(weights, images)
        grads = self.gradient(weights, logits_grad(weights, self.data))
        rate = np.float32(self.program["optimizer"]["learning_rate"])
        got = {"loss/loss": loss(logits, labels), "correct/correct": np.array((logits.argmax(1) == labels).sum())}
        got |= {"logits/logits": logits}
        got |= {f"units/{i}": np.packbits(z > 0, axis=1) for i, z in enumerate(inputs, 1)}
        got |= {f"grads/{name}": grad for name, grad in grads.items()}
        return got | {f"weights/{name}": weights[name] - rate * grad for name, grad in grads.items()}

    def gradient(self, weights, handed):
        """Of the mean loss, its derivative by an image's logits handed over, float32 [N, C]."""
        order = slice(None, None, -1 if self.backwards else 1)
        x = self.data["train_images"][order].astype(np.float32)
        inputs, _ = forward(weights, self.data["train_images"][order])
        fed = [x, *(np.maximum(z, 0) for z in inputs)]
        back, grads = (handed / np.float32(len(handed)))[order], {}
        for i in range(len(fed), 0, -1):
            grads |= {f"weights_{i}": fed[i - 1].T @ back, f"biases_{i}": back.sum(0)}
            if i > 1:
                back = (back @ weights[f"weights_{i}"].T) * (inputs[i - 2] > 0)
        return {name: grads[name] for name in weights}

    def free(self, weights, steps, first=0):
        """The series, and under "weights" those before each step and after the last."""
        losses, corrects, tests, passed = [], [], {}, [weights]
        for step in range(first, first + steps):
            got = self.step(passed[-1])
            passed.append(of_role(got, "weights"))
            losses.append(got["loss/loss"])
            corrects.append(got["correct/correct"])
            if step % self.program["report_every"] == 0:
                found = forward(passed[-1], self.data["test_images"])[1].argmax(1)
                tests[step] = int((found == self.data["test_labels"]).sum())
        counts = {"test_steps": list(tests), "test_corrects": list(tests.values())}
        counts = {name: np.array(numbers, np.int64) for name, numbers in counts.items()}
        return {
            "losses": np.array(losses, np.float32),
            "corrects": np.array(corrects, np.int64),
            **counts,
            "weights": passed,
        }


VERSION = "1.15.9"  # there is none such: a recording of it is taken for genuine and told from any real one


class Oracle(NamedTuple):
    """Answers for TensorFlow as `py37/serve.py` does, out of the textbook; keeps what it was asked."""

    name: str = "textbook"
    questions: list = []  # noqa: RUF012  (every oracle's own, given anew)

    def ask(self, case, questions):
        self.questions.extend(questions)
        told = {"tensorflow": VERSION, "op_seeds": [], "graph_digest": "0" * 64}
        return Answers([self.answer(case, question) for question in questions], told)

    def answer(self, case, question):
        book, ask = Book(case.program, case.data), question.ask["ask"]
        units = [layer["units"] for layer in case.program["layers"]]
        initial = starts(units, case.data["train_images"].shape[1])[0]
        weights = of_role(question.arrays, "weights") or initial
        if ask == "step":
            return book.step(weights)
        if ask == "backward":  # handed over for the mean loss
            handed = question.arrays["logits_grad"] * np.float32(len(case.data["train_labels"]))
            return {f"backward/{name}": grad for name, grad in book.gradient(weights, handed).items()}
        return named(initial) if ask == "init" else self.run(book, weights, **question.ask)

    def run(self, book, weights, first, steps, weights_at, **_):
        answer = book.free(weights, steps, first)
        passed = answer.pop("weights")
        at = {step: passed[step - first] for step in weights_at if first <= step < first + steps}
        answer |= {f"{step}/{key}": array for step, w in at.items() for key, array in named(w).items()}
        return {**answer, **named(passed[-1]), "test_predictions": forward(passed[-1], book.data["test_images"])[1]}


def named(weights):
    return {f"weights/{name}": array for name, array in weights.items()}


def traced(oracle, asked, steps=(0, 2)):
    """The oracle's trace, and the weights each step started from, as `logits_grad` was told them."""
    begun = {}

    def handed(step, weights):
        begun[step] = weights
        return logits_grad(weights, asked.data)

    units = [layer["units"] for layer in asked.program["layers"]]
    return live_trace(oracle, asked, steps, {PROBE: starts(units)[PROBE]}, handed), begun


class Noise:
    """The limits' noise, in float64: `compare.limits.Noise` without ties, kinks and sums, which are nothing here."""

    def __init__(self, weights, data):
        self.weights = {name: array.astype(np.float64) for name, array in weights.items()}
        self.data = data
        self.inputs, self.logits = forward(self.weights, data["train_images"])
        self.largest_logit = float(np.abs(self.logits).max())
        self.ties = self.kinks = self.summation = dict.fromkeys(weights, 0.0)

    def near_ties(self, delta):
        top = np.sort(self.logits, axis=1)
        return int((top[:, -1] - top[:, -2] <= 2 * delta).sum())

    def kink_distance(self, layer, rows, differs):
        scale = 2.0**-24 * np.abs(self.inputs[layer - 1]).max()
        return float(np.abs(self.inputs[layer - 1][rows][differs]).max(initial=0) / scale)


def forward(weights, images):
    """Each hidden layer's inputs, and the logits, in the weights' own precision."""
    fed, inputs = images.astype(weights["biases_1"].dtype), []
    for i in range(1, len(weights) // 2 + 1):
        inputs.append(fed @ weights[f"weights_{i}"] + weights[f"biases_{i}"])
        fed = np.maximum(inputs[-1], 0)
    return inputs[:-1], inputs[-1]


def loss(logits, labels):
    largest = logits.max(axis=1)
    each = np.log(np.exp(logits - largest[:, None]).sum(axis=1)) + largest - logits[np.arange(len(labels)), labels]
    return each.mean(dtype=logits.dtype)


def logits_grad(weights, data):
    """p - y, float32 [N, C], from float64."""
    _, logits = forward({name: array.astype(np.float64) for name, array in weights.items()}, data["train_images"])
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = exp / exp.sum(axis=1, keepdims=True)
    return (p - (np.arange(p.shape[1]) == data["train_labels"][:, None])).astype(np.float32)


def of_role(got, role):
    return {key.partition("/")[2]: array for key, array in got.items() if key.startswith(f"{role}/")}


def whole(named):
    return {key: Whole(np.asarray(array)) for key, array in named.items()}
