"""A program in a session: the graph, the data it trains on, and what is fed to it step by step."""

from __future__ import annotations

from typing import Any, Dict

import numpy as np
import tensorflow.compat.v1 as tf

from . import batches, graph
from .fields import complete
from .schedules import TEXTBOOK

Arrays = Dict[str, np.ndarray]
DRAWS = ("TruncatedNormal", "RandomStandardNormal", "RandomUniform")


class Training:
    """data: uint8 train_images [N, P], train_labels [N], test_images, test_labels. threads: 0 for all."""

    def __init__(self, program: dict[str, Any], classes: int, data: Arrays, threads: int = 0):
        self.program, self.data, self.rows = complete(program), data, None
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.ops = graph.build(program, data["train_images"].shape[1], classes)
            self.initialize = tf.global_variables_initializer()
        many = {"intra_op_parallelism_threads": threads, "inter_op_parallelism_threads": threads}
        # No GPU even where TensorFlow finds one: the reference is TensorFlow's float32 on a CPU.
        self.config = tf.ConfigProto(device_count={"GPU": 0}, **many)
        self.session: Any = None

    def start(self, steps: int = 1) -> None:
        """A session of its own, in which nothing was drawn yet, with the initial weights and rows for so many steps."""
        self.close()
        self.session = tf.Session(graph=self.graph, config=self.config)
        self.session.run(self.initialize)
        if self.program["batching"]:
            images = len(self.data["train_labels"])
            with self.graph.as_default():
                self.rows = batches.rows(self.program["batching"], self.program["seed"], images, steps)

    def close(self) -> None:
        """Gives the session back."""
        if self.session is not None:
            self.session.close()

    def load(self, weights: Arrays) -> None:
        """Weights by "weights/weights_1", … in place of the initial ones."""
        fed = {placeholder: weights[f"weights/{name}"] for name, placeholder in self.ops.new_values.items()}
        self.session.run(self.ops.assigns, fed)

    def batch(self, step: int, array: str) -> np.ndarray:
        """Of a step, "train_images" or "train_labels"."""
        return self.data[array] if self.rows is None else self.data[array][self.rows[step]]

    def feed(self, step: int) -> dict[tf.Tensor, Any]:
        """What a step is fed."""
        fed: dict[tf.Tensor, Any] = {
            self.ops.train_images: self.batch(step, "train_images"),
            self.ops.train_labels: self.batch(step, "train_labels"),
            **self.ops.keep_probs,
        }
        if self.ops.rate is not None:
            fed[self.ops.rate] = self.rate(step)
        return fed

    def rate(self, step: int) -> np.float32:
        """The learning rate that is not TensorFlow's to compute: a number, or a textbook's."""
        rate = self.program["optimizer"]["learning_rate"]
        return TEXTBOOK[rate["kind"]](rate, step) if isinstance(rate, dict) else np.float32(rate)

    def update(self, step: int, fetches: Any) -> Any:
        """One update; the values of `fetches` before it, and how many images of the batch the model had right."""
        _, values, predictions = self.session.run([self.ops.train, fetches, self.ops.predictions], self.feed(step))
        return values, _correct(predictions, self.batch(step, "train_labels"))

    def state(self, role: str = "") -> Arrays:
        """Copies: what TF 1.15 fetches of a variable may be the variable's memory, which the next step overwrites."""
        wanted = {name: variable for name, variable in self.ops.state.items() if name.startswith(role)}
        return {name: np.array(value) for name, value in self.session.run(wanted).items()}

    def remembered(self, updates: int) -> Arrays:
        """All that the next update depends on, after so many."""
        return {"step/step": np.array(updates, np.int64), **self.state()}

    def remembers(self) -> bool:
        """Whether a step depends on more than the weights and the rows of its batch."""
        drops = any(name.startswith("masks/") for name in self.ops.seen)
        return drops or not all(name.startswith("weights/") for name in self.ops.state)

    def test_predictions(self) -> np.ndarray:
        """The softmax of all test images, float32 [M, C]. With `evaluation_draws` dropout draws, and keeps all."""
        fed: dict[tf.Tensor, Any] = {self.ops.test_images: self.data["test_images"]}
        fed.update((placeholder, 1.0) for placeholder in self.ops.keep_probs)
        return self.session.run(self.ops.test_predictions, fed)

    def test_correct(self) -> int:
        """Test images that the model has right."""
        return _correct(self.test_predictions(), self.data["test_labels"])

    def backward(self, logits_grad: np.ndarray) -> Arrays:
        """By name: what the loss's derivative by the logits of step 0, float32 [n, C], sends back."""
        return self.session.run(self.ops.backward, {**self.feed(0), self.ops.handed: logits_grad})

    def op_seeds(self) -> list[list[int]]:
        """What the program's random ops were built with: [[seed, seed2], …], in the order they were made."""
        draws = [op for op in self.graph.get_operations() if op.type in DRAWS]
        return [[int(op.get_attr("seed")), int(op.get_attr("seed2"))] for op in draws]


def _correct(predictions: np.ndarray, labels: np.ndarray) -> int:
    return int((np.argmax(predictions, 1) == labels).sum())
