"""A program as a plain dict, every field present: recordings of early programs name only what those could vary."""

from __future__ import annotations

from typing import Any, Dict

Fields = Dict[str, Any]

PROGRAM = {
    "loss": {"kind": "softmax_cross_entropy"},
    "l2": None,
    "clipping": None,
    "batching": None,
    "scale": 1,
    "input_keep_prob": 1.0,
    "evaluation_draws": False,
}
KERNEL = {"kind": "truncated_normal", "mean": 0.0}
OUTPUT = {"bias": {"kind": "zeros"}, "activation": "identity"}
HIDDEN = {"bias": {"kind": "zeros"}, "activation": "relu", "keep_prob": 1.0}
OPTIMIZER = {"kind": "gradient_descent"}


def complete(program: Fields) -> Fields:
    """The program with what it leaves out: the original's loss, optimizer, kernels, biases and activations."""
    own = {**PROGRAM, **program}
    own["layers"] = [_layer(HIDDEN, layer) for layer in program["layers"]]
    own["output"] = _layer(OUTPUT, program["output"])
    own["optimizer"] = {**OPTIMIZER, **program["optimizer"]}
    return own


def keep_probs(program: Fields) -> dict[str, float]:
    """Of the tensors that are dropped from: "input", and the hidden layers, counted from "1"."""
    kept = {"input": program["input_keep_prob"]}
    kept.update((str(i), layer["keep_prob"]) for i, layer in enumerate(program["layers"], 1))
    return {name: keep_prob for name, keep_prob in kept.items() if keep_prob < 1}


def reports(program: Fields, step: int, every: int | None) -> bool:
    """Whether the program reports after this step: before each multiple with minibatches, else at it."""
    if every is None:
        raise ValueError("report_every: None; it must be a number of steps, as a settled program has it")
    return (step + 1 if program["batching"] else step) % every == 0


def without_kind(part: Fields) -> Fields:
    """The arguments of what `kind` names."""
    return {name: value for name, value in part.items() if name != "kind"}


def _layer(defaults: Fields, layer: Fields) -> Fields:
    kernel = layer["kernel"] if "kind" in layer["kernel"] else {**KERNEL, **layer["kernel"]}
    return {**defaults, **layer, "kernel": kernel}
