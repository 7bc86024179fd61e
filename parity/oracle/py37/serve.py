"""Answers questions about what the original TensorFlow 1.x program computes.

For two interpreters: Python 3.7 with genuine TensorFlow 1.15.5, and whatever runs TF 2.x, through
`tensorflow.compat.v1`. It needs TensorFlow and NumPy and nothing else, so that `ask.py` can hand it to a Python that
knows nothing of this project. Arrays travel without pickle; what is not an array travels as JSON in the array "header".

The header: {"program": see `graph.py`; "classes"; "threads": 0 for all; "questions": [...]}.
A question is one of
  {"ask": "init"}                                         the initial weights
  {"ask": "run", "steps", "report_every", "first",        `steps` updates from the weights the question carries, or the
   "weights_at": [...]}                                   initial ones; step numbers count from `first`; the weights
                                                          as they were before the steps of `weights_at`
  {"ask": "step"}                                         loss, logits, active units, gradients and updated weights of
                                                          one step
  {"ask": "backward"}                                     gradients, the loss's derivative by the logits handed over as
                                                          "logits_grad"
The arrays of question i are named "i/weights/weights_1", …, those of its answer likewise.
"""

from __future__ import annotations

import json
import os
import platform
from typing import Any, Dict

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # one rounding for every CPU, where the version knows the switch

import tensorflow.compat.v1 as tf

from . import graph

VERSION = str(getattr(tf, "__version__", ""))  # TensorFlow's own word

Arrays = Dict[str, np.ndarray]
Ask = Dict[str, Any]


class Program:
    """The graph in a session of its own, with the data it trains on (uint8 train_images, train_labels, test_…)."""

    def __init__(self, program: dict[str, Any], classes: int, data: Arrays, threads: int = 0):
        self.data = data
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.ops = graph.build(program, data["train_images"].shape[1], classes)
            initialize = tf.global_variables_initializer()
        many = {"intra_op_parallelism_threads": threads, "inter_op_parallelism_threads": threads}
        # No GPU even where TensorFlow finds one: the reference is TensorFlow's float32 on a CPU.
        self.session = tf.Session(graph=self.graph, config=tf.ConfigProto(device_count={"GPU": 0}, **many))
        self.feed = {self.ops.train_images: data["train_images"], self.ops.train_labels: data["train_labels"]}
        self.session.run(initialize)
        self.initial = self.weights()  # kept, because a second run of the initializer would draw other numbers

    def init(self, question: Ask, arrays: Arrays) -> Arrays:
        return self.initial

    def run(self, question: Ask, arrays: Arrays) -> Arrays:
        """`steps` updates: losses float32 [S], correct counts int64 [S], test counts at reports; then the weights and
        the softmax of all test images, float32 [M, C], which the original evaluates once more at its end.
        """
        self.load(arrays or self.initial)
        fetches = [self.ops.train, self.ops.loss, self.ops.predictions]  # in one go: both are from before the update
        losses, corrects, test_steps, test_corrects, answer = [], [], [], [], {}
        for step in range(question["first"], question["first"] + question["steps"]):
            if step in question["weights_at"]:
                answer.update((f"{step}/{name}", value) for name, value in self.weights().items())
            _, loss, predictions = self.session.run(fetches, self.feed)
            losses.append(loss)
            corrects.append(_correct(predictions, self.data["train_labels"]))
            if step % question["report_every"] == 0:
                test_steps.append(step)
                test_corrects.append(_correct(self.test_predictions(), self.data["test_labels"]))
        counts = {"corrects": corrects, "test_steps": test_steps, "test_corrects": test_corrects}
        answer.update((name, np.array(numbers, np.int64)) for name, numbers in counts.items())
        answer.update(self.weights(), losses=np.array(losses, np.float32), test_predictions=self.test_predictions())
        return answer

    def step(self, question: Ask, arrays: Arrays) -> Arrays:
        """One step from the given weights: what it saw before the update, and the weights after it."""
        self.load(arrays)
        ops = self.ops
        fetches = [ops.train, ops.loss, ops.predictions, ops.logits, ops.grads, ops.active]
        _, loss, predictions, logits, grads, active = self.session.run(fetches, self.feed)
        answer = dict(self.named("grads", grads), **self.weights())
        answer["loss/loss"] = np.array(loss, np.float32)
        answer["correct/correct"] = np.array(_correct(predictions, self.data["train_labels"]), np.int64)
        answer["logits/logits"] = logits
        for i, units in enumerate(active, 1):
            answer[f"units/{i}"] = np.packbits(units, axis=1)  # uint8 [N, ceil(units / 8)]
        return answer

    def backward(self, question: Ask, arrays: Arrays) -> Arrays:
        """The gradients that the loss's derivative by the logits, float32 [N, C], sends back from the given weights."""
        self.load(arrays)
        feed = {**self.feed, self.ops.logits_grad: arrays["logits_grad"]}
        return self.named("backward", self.session.run(self.ops.backward, feed))

    def weights(self) -> Arrays:
        """Copies: what TF 1.15 fetches of a variable may be the variable's memory, which the next step overwrites."""
        return self.named("weights", [np.array(value) for value in self.session.run(self.ops.variables)])

    def named(self, role: str, arrays: list[np.ndarray]) -> Arrays:
        """By "role/name"."""
        return {f"{role}/{name}": array for name, array in zip(self.ops.names, arrays)}

    def load(self, arrays: Arrays) -> None:
        values = [arrays["weights/" + name] for name in self.ops.names]
        self.session.run(self.ops.assigns, dict(zip(self.ops.new_values, values)))

    def test_predictions(self) -> np.ndarray:
        return self.session.run(self.ops.test_predictions, {self.ops.test_images: self.data["test_images"]})

    def op_seeds(self) -> list[list[int]]:
        """What the weights' random ops were built with: [[seed, seed2], …], layer by layer."""
        draws = [op for op in self.graph.get_operations() if op.type == "TruncatedNormal"]
        return [[int(op.get_attr("seed")), int(op.get_attr("seed2"))] for op in draws]


def _correct(predictions: np.ndarray, labels: np.ndarray) -> int:
    return int((np.argmax(predictions, 1) == labels).sum())


def answer(header: dict[str, Any], arrays: Arrays) -> tuple[list[Arrays], dict[str, Any]]:
    """Answers a header's questions one after the other: (answers, one dict of arrays a question; provenance)."""
    data = {name: arrays[name] for name in ("train_images", "train_labels", "test_images", "test_labels")}
    program = Program(header["program"], header["classes"], data, header["threads"])
    answers = []
    for i, question in enumerate(header["questions"]):
        prefix = f"{i}/"
        own = {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
        ask = {"init": program.init, "run": program.run, "step": program.step, "backward": program.backward}
        answers.append(ask[question["ask"]](question, own))
    provenance: Ask = {"tensorflow": VERSION, "numpy": np.__version__, "python": platform.python_version()}
    provenance.update(op_seeds=program.op_seeds(), graph_digest=program.ops.digest)
    program.session.close()
    return answers, provenance


def main(request_path: str, answer_path: str) -> None:
    """The subprocess's side of `ask.py`: reads one npz, writes another, whole or not at all."""
    with np.load(request_path, allow_pickle=False) as npz:
        arrays = {name: npz[name] for name in npz.files}
    header = json.loads(arrays.pop("header").tobytes().decode())
    answers, provenance = answer(header, arrays)
    out = {f"{i}/{name}": array for i, one in enumerate(answers) for name, array in one.items()}
    out["header"] = np.frombuffer(json.dumps(provenance).encode(), np.uint8)
    with open(answer_path + ".part", "wb") as file:
        np.savez(file, **out)  # pyright: ignore[reportArgumentType]
    os.replace(answer_path + ".part", answer_path)
