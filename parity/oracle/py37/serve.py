"""Answers questions about what TensorFlow 1.x programs compute, for `ask.py`.

For two interpreters: Python 3.7 with genuine TensorFlow 1.15.5, and whatever runs TF 2.x, through
`tensorflow.compat.v1`. This folder needs TensorFlow and NumPy and nothing else, so that it can be handed to a Python
that knows nothing of this project. Arrays travel without pickle; what is not an array, as JSON in the array "header".

The header: {"program": see `fields.py`; "classes"; "threads": 0 for all; "questions": [...]}.
A question is one of `QUESTIONS`, which say what they answer:
  {"ask": "init"}
  {"ask": "run", "steps", "report_every", "first",        from the weights the question brings with it, or the initial
   "weights_at": [...]}                                   ones; step numbers count from `first`; also the weights as
                                                          they were before the steps of `weights_at`
  {"ask": "trace", "steps"}
  {"ask": "step"}                                         brings weights
  {"ask": "backward"}                                     brings weights and "logits_grad"
The arrays of question i are named "i/weights/weights_1", …, those of its answer likewise.
"""

from __future__ import annotations

import json
import os
import platform
from contextlib import closing
from typing import Any, Dict, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from .questions import QUESTIONS
from .training import Training
from .version import VERSION

tf.logging.set_verbosity(tf.logging.ERROR)  # 1.15's programs are made of what is deprecated now

DATA = ("train_images", "train_labels", "test_images", "test_labels")

Arrays = Dict[str, np.ndarray]


class Answer(NamedTuple):
    """What `ask.Answers` has."""

    arrays: list[Arrays]
    provenance: dict[str, Any]
    error: str = ""  # why there are no arrays


def answer(header: dict[str, Any], arrays: Arrays) -> Answer:
    """Answers a header's questions one after the other, and says which TensorFlow it is and what it made.

    A program that TensorFlow does not run is an answer too, with its error.
    """
    provenance = {"tensorflow": VERSION, "numpy": np.__version__, "python": platform.python_version()}
    data = {name: arrays[name] for name in DATA}
    try:
        with closing(Training(header["program"], header["classes"], data, header["threads"])) as training:
            answers = [_answered(training, i, question, arrays) for i, question in enumerate(header["questions"])]
            made = {"op_seeds": training.op_seeds(), "graph_digest": training.ops.digest}
    except Exception as error:  # TensorFlow's are of a hundred types, from every layer of it
        return Answer([], provenance, f"{type(error).__name__}: {error}")
    return Answer(answers, {**provenance, **made})


def _answered(training: Training, i: int, question: dict[str, Any], arrays: Arrays) -> Arrays:
    prefix = f"{i}/"
    own = {name[len(prefix) :]: array for name, array in arrays.items() if name.startswith(prefix)}
    return QUESTIONS[question["ask"]](training, question, own)


def main(folder: str) -> None:
    """The subprocess's side of `ask.py`: of each i in turn, request-i.npz, and what data it names, to answer-i.npz."""
    i, data, named = 0, {}, ""
    while os.path.exists(os.path.join(folder, f"request-{i}.npz")):
        arrays = _read(os.path.join(folder, f"request-{i}.npz"))
        header = json.loads(arrays.pop("header").tobytes().decode())
        if header["data"] != named:
            named, data = header["data"], _read(os.path.join(folder, header["data"]))
        _write(os.path.join(folder, f"answer-{i}.npz"), answer(header, {**data, **arrays}))
        i += 1


def _read(path: str) -> Arrays:
    with np.load(path, allow_pickle=False) as npz:
        return {name: npz[name] for name in npz.files}


def _write(path: str, told: Answer) -> None:
    """Whole or not at all."""
    out = {f"{i}/{name}": array for i, one in enumerate(told.arrays) for name, array in one.items()}
    header = {"provenance": told.provenance, "error": told.error}
    out["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with open(path + ".part", "wb") as file:
        np.savez(file, **out)  # pyright: ignore[reportArgumentType]
    os.replace(path + ".part", path)
