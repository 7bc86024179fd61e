"""Which engine an `Execution` means: device and number of images settle what it leaves open. Serves `trainer`."""

import dataclasses
from typing import NamedTuple

import jax

from jaxmlp.engine.base import Engine
from jaxmlp.engine.byte_matmul import PRODUCTS, skipping_settled
from jaxmlp.engine.compact import Compact
from jaxmlp.engine.dense import Dense
from jaxmlp.engine.screening import Screening
from jaxmlp.engine.staircase import Staircase
from jaxmlp.execution import Execution, Layout, Precision


class Tiling(NamedTuple):
    """What suits a device: images computed on together, ink groups with a pixel order of their own, arithmetic."""

    dense_chunk: int
    staircase_chunk: int
    groups: int
    precision: Precision
    skip_settled: bool  # see byte_matmul.skipping_settled
    staircase_from: int  # images; with fewer, `auto` is dense
    screening_from: int | None  # images; with fewer, `auto` is off; so it is with any number where this is None


# On a CPU a tile's activations stay in cache; an accelerator wants few, large matmuls.
#
# When the staircase pays was measured on two cores of an AMD EPYC with AVX-512, on the first images of MNIST, from the
# tenth step on, in turns (median of nine; other work ran beside it). From 10 images on its steps take 0.36 to 0.80 of
# dense's time, with 64 to 1024 hidden units. But it takes longer to order and to compile: 0.2 s at 100 images, 4 s at
# 10,000. About so many steps earn that back:
#
#   images          10    100    250   1000   2000  10,000
#   1024 hidden    750     90      5     15     40      15
#   300 hidden    3000    415    145    205    100      70
#   64 hidden     2500   1070    460    300    410     220
#
# The original has 301 steps. With 250 images or more they earn it back, but for networks that are done in seconds.
CPU = Tiling(2000, 500, groups=8, precision="float32", skip_settled=True, staircase_from=250, screening_from=2000)
# Where it pays on an accelerator has not been measured: the staircase, whatever the number of images, not screened.
ACCELERATOR = Tiling(
    60_000, 4000, groups=1, precision="bf16x3", skip_settled=False, staircase_from=0, screening_from=None
)


PACKED_GROUPS = 2  # ink groups at most where tiles are packed anew each step: each costs a tile that is not full


def settle(execution: Execution, device: jax.Device, images: int) -> Execution:
    """The execution with nothing left open, for so many images."""
    tiling = _tiling(device)
    ordered = images >= tiling.staircase_from or execution.screening == "on"
    pays: Layout = "staircase" if ordered else "dense"
    layout = pays if execution.layout == "auto" else execution.layout
    chunk = execution.chunk or (tiling.dense_chunk if layout == "dense" else tiling.staircase_chunk)
    precision = tiling.precision if execution.precision == "auto" else execution.precision
    screens = execution.screening == "on" or (execution.screening == "auto" and _screens(tiling, layout, images))
    return Execution(layout, precision, chunk, "on" if screens else "off")


def select(execution: Execution, device: jax.Device, images: int) -> Engine:
    """The engine of `execution` on that device, for so many images."""
    settled, tiling = settle(execution, device, images), _tiling(device)
    product, chunk = PRODUCTS[settled.precision], settled.chunk or 1
    if settled.layout == "dense":
        return Dense(product, chunk)
    if settled.screening == "on":
        return Screening(Compact(product, chunk, min(PACKED_GROUPS, tiling.groups)))
    return Staircase(skipping_settled(product) if tiling.skip_settled else product, chunk, tiling.groups)


def evaluation(execution: Execution) -> Execution:
    """How to evaluate: dense, since ordering a set pays off over hundreds of steps, not over a few evaluations."""
    return dataclasses.replace(execution, layout="dense", screening="off")


def _screens(tiling: Tiling, layout: Layout, images: int) -> bool:
    return layout == "staircase" and tiling.screening_from is not None and images >= tiling.screening_from


def _tiling(device: jax.Device) -> Tiling:
    return CPU if device.platform == "cpu" else ACCELERATOR
