"""The options of a `Program`, in the groups that --help shows. `overrides` has what each of them does."""

import dataclasses
from pathlib import Path
from typing import Any, Literal, get_args

from jaxmlp import environment, presets, program_file
from jaxmlp.program import ORDERS, Bias, Initializer, Loss, Optimizer, Program, Schedule
from jaxmlp.program.layers import ACTIVATIONS
from jaxmlp.program_options.choice import Choice
from jaxmlp.program_options.option import option

KERNEL = Choice("kernel", get_args(Initializer), prefix="weight_")
BIAS = Choice("bias", get_args(Bias), prefix="bias_", may_be_none=True)
LOSS = Choice("loss", get_args(Loss), prefix="loss_")
OPTIMIZER = Choice("optimizer", get_args(Optimizer), apart=("learning_rate",))
SCHEDULE = Choice("schedule", get_args(Schedule), apart=("learning_rate",), may_be_none=True)

# Of each of these, one may be given; on the command line it takes the place of another one of a file.
ALTERNATIVES = (
    ("preset", "program"),
    ("hidden", "layers"),
    ("clip_norm", "clip_global_norm", "clip_value"),
    ("epochs", "steps"),
)
_NAMES = ", ".join(ACTIVATIONS)


def _group(name: str, doc: str, *options: tuple[str, Any]) -> Any:
    """A frozen dataclass of options, each None where it is not given."""
    own = [(name, hint, dataclasses.field(default=None)) for name, hint in options]
    return dataclasses.make_dataclass(name, own, frozen=True, namespace={"__doc__": doc, "__module__": __name__})


def _program_file(path: str) -> Program:
    return program_file.read(environment.home("program", Path(path)))


BaseOptions = _group(
    "BaseOptions",
    "Where the program begins: the original, unless told otherwise. The options below override it.",
    ("preset", option(Literal[presets.NAMES], f"a program that comes along: {', '.join(presets.NAMES)}")),
    ("program", option(Program, "a whole program as TOML, a run's config.json, or its folder", "FILE", _program_file)),
    ("seed", option(int, "as tf.set_random_seed(G) at the top of the TensorFlow program (0)", "G")),
)
NetworkOptions = _group(
    "NetworkOptions",
    "From the pixels to the logits.",
    ("layers", option(tuple[int, ...], "units of each hidden layer (1024); none: softmax regression", "[N ...]")),
    ("hidden", option(int, "units of the one hidden layer: --layers N")),
    ("activation", option(tuple[Literal[ACTIVATIONS], ...], f"of hidden layers, one or one each (relu): {_NAMES}")),
    ("output_activation", option(Literal[ACTIVATIONS], "of the logits (identity)")),
    ("scale", option(int, "divide pixels by it; 255: numbers from 0 to 1 (1)")),
    ("keep_prob", option(tuple[float, ...], "tf.nn.dropout behind hidden layers, one or one each (1)", "P [P ...]")),
    ("input_keep_prob", option(float, "tf.nn.dropout on the pixels (1)", "P")),
    ("evaluation_draws", option(bool, "keep_prob is a placeholder, fed with 1 to evaluate: its ops draw then, too")),
)
InitializerOptions = _group(
    "InitializerOptions",
    "What weights and biases begin with.",
    *KERNEL.options("weights of all layers (truncated_normal)"),
    *BIAS.options("biases of all layers (zeros)"),
)
LossOptions = _group(
    "LossOptions",
    "What is minimized.",
    *LOSS.options("mean over a batch (softmax_cross_entropy)"),
    ("l2", option(float, "add so many tf.nn.l2_loss of all weights; 0 is none (0)", "SCALE")),
    ("l2_biases", option(bool, "… and of all biases")),
)
OptimizerOptions = _group(
    "OptimizerOptions",
    "How weights move.",
    ("learning_rate", option(float, "where a schedule begins, too (0.0001; adam, adadelta 0.001)", "RATE")),
    *OPTIMIZER.options("tf.train's (gradient_descent)"),
    ("clip_norm", option(float, "tf.clip_by_norm of each gradient")),
    ("clip_global_norm", option(float, "tf.clip_by_global_norm of all gradients")),
    ("clip_value", option(tuple[float, float], "tf.clip_by_value of each gradient", "MIN MAX")),
)
ScheduleOptions = _group(
    "ScheduleOptions", "A rate that changes from step to step.", *SCHEDULE.options("of the learning rate (none)")
)
BatchOptions = _group(
    "BatchOptions",
    "Which images an update takes, and how many updates there are.",
    ("batch_size", option(int, "images of an update (all of them)")),
    ("order", option(Literal[ORDERS], f"of minibatches: {', '.join(ORDERS)} (next_batch)")),
    ("validation", option(int, "the first N training images are left out (0)")),
    ("epochs", option(int, "times through the training set")),
    ("steps", option(int, "updates (301)")),
    ("report_every", option(int, "steps from report to report (an epoch of minibatches, or 100)")),
)
