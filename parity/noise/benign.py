"""Variants of the port that compute the same mathematics with other roundings: the members of the ensemble."""

import dataclasses

import jax
import numpy as np

from jaxmlp import placement
from jaxmlp.data.dataset import Dataset, Split
from jaxmlp.execution import Execution
from jaxmlp.model import Params
from jaxmlp.program import Program
from parity.errors import CannotCompare
from parity.subject.port import Port

DENSE = Execution("dense", "float32")


def benign_variants(program: Program, dataset: Dataset, device: jax.Device, *, free: bool) -> list[Port]:
    """The variants: for free runs also those that start one unit in the last place away. Raises `CannotCompare`."""
    if device.platform == "tpu":
        raise CannotCompare(f"float64 was asked of {device.device_kind}, which has none: use --device cpu")
    straight, images = Port.of(program, dataset, device, DENSE), len(dataset.train.labels)
    chunks = [max(1, images // 7), max(1, images // 3 + 1)]  # with images left over
    others = {f"chunks of {n}": dataclasses.replace(DENSE, chunk=n) for n in chunks}
    others["another engine"] = Execution("staircase", "float32")
    return [
        dataclasses.replace(straight, name="float64", float64=True),
        *(permuted(straight, seed) for seed in (1, 2)),
        *(dataclasses.replace(Port.of(program, dataset, device, other), name=name) for name, other in others.items()),
        *(_nudged(straight, seed) for seed in (1, 2) if free),
    ]


def permuted(straight: Port, seed: int) -> Port:
    """Its images in another order, which is undone in what it shows."""
    order = np.random.default_rng(seed).permutation(len(straight.dataset.train.labels))
    shuffled = straight.dataset._replace(train=Split(*(array[order] for array in straight.dataset.train)))
    placed = placement.place(DENSE, shuffled, straight.placed.device)
    rows = jax.tree.map(lambda array: array[order], straight.rows)
    return dataclasses.replace(straight, name=f"permuted images, {seed}", placed=placed, order=order, rows=rows)


def _nudged(straight: Port, seed: int) -> Port:
    """Every weight moved to a neighbouring float32, up or down by chance; exact zeros stay."""
    rng = np.random.default_rng(seed)

    def moved(array: np.ndarray) -> np.ndarray:
        towards = np.where(rng.random(array.shape) < 0.5, np.float32(-np.inf), np.float32(np.inf))
        return np.where(array == 0, array, np.nextafter(array, towards))

    initial: Params = jax.tree.map(moved, straight.initial)
    return dataclasses.replace(straight, name=f"start ±1 ulp, {seed}", initial=initial)
