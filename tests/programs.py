"""Programs drawn over the whole family, small enough to train in a test."""

import dataclasses
from typing import Any, get_args

import numpy as np

from jaxmlp import program as parts
from jaxmlp.program import ACTIVATIONS, ORDERS, Dense, Output, Program

NUMBERS = {  # of what has no default, or is more telling beside it
    "learning_rate": lambda rng: float(10.0 ** rng.uniform(-4, -2)),
    "stddev": lambda rng: float(rng.uniform(0.01, 0.3)),
    "decay_steps": lambda rng: int(rng.integers(1, 9)),
    "first_decay_steps": lambda rng: int(rng.integers(1, 9)),
    "decay_rate": lambda rng: float(rng.uniform(0.1, 0.99)),
    "max_learning_rate": lambda rng: float(rng.uniform(0.02, 0.1)),
    "step_size": lambda rng: int(rng.integers(1, 9)),
    "gamma": lambda rng: float(rng.uniform(0.5, 0.99)),
    "clip_norm": lambda rng: float(rng.uniform(0.1, 3)),
    "clip_value_min": lambda rng: float(rng.uniform(-0.1, -0.001)),
    "clip_value_max": lambda rng: float(rng.uniform(0.001, 0.1)),
    "scale": lambda rng: float(rng.uniform(1e-4, 2)),
    "boundaries": lambda rng: (2, 5),
    "values": lambda rng: (0.01, 0.003, 0.001),
}


def drawn(rng: np.random.Generator, kinds: Any) -> Any:
    """One of the kinds of a union, its numbers by chance."""
    kind = get_args(kinds)[rng.integers(len(get_args(kinds)))]
    return of_kind(rng, kind)


def of_kind(rng: np.random.Generator, kind: Any) -> Any:
    names = [field.name for field in dataclasses.fields(kind)]
    own = {name: NUMBERS[name](rng) for name in names if name in NUMBERS}
    if kind is parts.NaiveCrossEntropy:
        own["clip_value_min"] = None if rng.random() < 0.3 else 1e-10
    if kind in get_args(parts.Optimizer) and rng.random() < 0.3:
        own["learning_rate"] = drawn(rng, parts.Schedule)
    return kind(**own)


def any_program(rng: np.random.Generator, **fixed: Any) -> Program:
    """Any program, with some fields given."""
    keep_probs = (1.0, 1.0, 0.5, 0.9)
    layers = tuple(
        Dense(
            int(rng.integers(1, 40)),
            drawn(rng, parts.Initializer),
            None if rng.random() < 0.2 else drawn(rng, parts.Bias),
            str(rng.choice(ACTIVATIONS)),  # pyright: ignore[reportArgumentType]
            float(rng.choice(keep_probs)),
        )
        for _ in range(rng.integers(0, 4))
    )
    drawn_parts = {
        "layers": layers,
        "output": Output(drawn(rng, parts.Initializer)),
        "optimizer": drawn(rng, parts.Optimizer),
        "loss": drawn(rng, parts.Loss),
        "l2": None if rng.random() < 0.5 else of_kind(rng, parts.L2),
        "clipping": None if rng.random() < 0.5 else drawn(rng, parts.Clipping),
        "batching": None if rng.random() < 0.5 else parts.Batching(int(rng.integers(1, 60)), str(rng.choice(ORDERS))),  # pyright: ignore[reportArgumentType]
        "scale": int(rng.choice([1, 255])),
        "input_keep_prob": float(rng.choice(keep_probs)),
        "evaluation_draws": bool(rng.random() < 0.3),
        "steps": int(rng.integers(1, 9)),
        "report_every": int(rng.integers(1, 5)),
        "seed": int(rng.integers(2**31)),
    }
    return Program(**{**drawn_parts, **fixed})
