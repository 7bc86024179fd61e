"""Which engine an `Execution` means: what it leaves open is settled by the device. Serves `trainer`."""

import dataclasses
from typing import NamedTuple

import jax

from jaxmlp.engine.base import Engine
from jaxmlp.engine.byte_matmul import PRODUCTS, skipping_settled
from jaxmlp.engine.dense import Dense
from jaxmlp.engine.staircase import Staircase
from jaxmlp.execution import Execution


class Tiling(NamedTuple):
    """Images computed on together, and ink groups with a pixel order of their own."""

    dense_chunk: int
    staircase_chunk: int
    groups: int
    skip_settled: bool  # see byte_matmul.skipping_settled


# On a CPU a tile's activations stay in cache; an accelerator wants few, large matmuls.
CPU = Tiling(dense_chunk=2000, staircase_chunk=500, groups=8, skip_settled=True)
ACCELERATOR = Tiling(dense_chunk=60_000, staircase_chunk=4000, groups=1, skip_settled=False)


def settle(execution: Execution, device: jax.Device) -> Execution:
    """The execution with nothing left open."""
    tiling = _tiling(device)
    layout = "staircase" if execution.layout == "auto" else execution.layout
    chunk = execution.chunk or (tiling.dense_chunk if layout == "dense" else tiling.staircase_chunk)
    fits = "float32" if device.platform == "cpu" else "bf16x3"
    return Execution(layout, fits if execution.precision == "auto" else execution.precision, chunk)


def select(execution: Execution, device: jax.Device) -> Engine:
    """The engine of `execution` on that device."""
    settled, tiling = settle(execution, device), _tiling(device)
    product, chunk = PRODUCTS[settled.precision], settled.chunk or 1
    if settled.layout == "dense":
        return Dense(product, chunk)
    return Staircase(skipping_settled(product) if tiling.skip_settled else product, chunk, tiling.groups)


def evaluation(execution: Execution) -> Execution:
    """How to evaluate: dense, since ordering a set pays off over hundreds of steps, not over a few evaluations."""
    return dataclasses.replace(execution, layout="dense")


def _tiling(device: jax.Device) -> Tiling:
    return CPU if device.platform == "cpu" else ACCELERATOR
