"""Which engine an `Execution` means: what it leaves open is settled by the device. Serves `trainer`."""

import dataclasses
from typing import NamedTuple

import jax

from jaxmlp.engine.base import Engine
from jaxmlp.engine.byte_matmul import PRODUCTS, skipping_settled
from jaxmlp.engine.dense import Dense
from jaxmlp.engine.staircase import Staircase
from jaxmlp.execution import Execution, Precision


class Tiling(NamedTuple):
    """What suits a device: images computed on together, ink groups with a pixel order of their own, arithmetic."""

    dense_chunk: int
    staircase_chunk: int
    groups: int
    precision: Precision
    skip_settled: bool  # see byte_matmul.skipping_settled


# On a CPU a tile's activations stay in cache; an accelerator wants few, large matmuls.
CPU = Tiling(dense_chunk=2000, staircase_chunk=500, groups=8, precision="float32", skip_settled=True)
ACCELERATOR = Tiling(dense_chunk=60_000, staircase_chunk=4000, groups=1, precision="bf16x3", skip_settled=False)


def settle(execution: Execution, device: jax.Device) -> Execution:
    """The execution with nothing left open."""
    tiling = _tiling(device)
    layout = "staircase" if execution.layout == "auto" else execution.layout
    chunk = execution.chunk or (tiling.dense_chunk if layout == "dense" else tiling.staircase_chunk)
    return Execution(layout, tiling.precision if execution.precision == "auto" else execution.precision, chunk)


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
