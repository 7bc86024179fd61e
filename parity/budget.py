"""How far honest rounding drifts: an ensemble of benign variants of the port, and the limits and horizon it gives.

Every variant computes the same mathematics with other roundings. Where they part from each other by more than 1e-5, a
free run is no longer predictable by anyone, and T4 stops asserting.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from jaxmlp import trainer
from jaxmlp.config import Config
from jaxmlp.data.dataset import Dataset, Split
from parity.port import Port, port, require_float64
from parity.trace import FreeRun

FLOOR = 2e-6  # relative difference of the losses that is always allowed: T1's, for a run is made of steps
SLACK = 3  # times the ensemble's running maximum
PREDICTABLE = 1e-5  # the horizon is the last step up to which the ensemble stays within this


class Budget(NamedTuple):
    """What the ensemble allows at every step of a free run."""

    horizon: int  # the last step that T4 asserts; -1 if none
    loss_limits: np.ndarray  # float64 [B], to the end of the run or to where the ensemble parts
    correct_limits: np.ndarray  # float64 [B], training images
    test_limits: dict[int, float]  # test images, by step
    spread: np.ndarray  # float64 [B], the running maximum of the ensemble's relative differences
    variants: tuple[str, ...]


def benign(config: Config, dataset: Dataset, device: jax.Device, *, free: bool) -> list[Port]:
    """The variants: for free runs also those that start one unit in the last place away."""
    require_float64(device)
    straight = port(config, dataset, device, "dense", "float32")
    images = len(dataset.train.labels)
    chunks = [max(1, images // 7), max(1, images // 3 + 1)]  # with images left over
    variants = [
        dataclasses.replace(straight, name="float64", float64=True),
        *(_permuted(straight, seed) for seed in (1, 2)),
        *(_chunked(straight, device, chunk) for chunk in chunks),
        dataclasses.replace(port(config, dataset, device, "staircase", "float32"), name="another engine"),
    ]
    if free:
        variants += [dataclasses.replace(straight, name=f"start ±1 ulp, {seed}", nudge=seed) for seed in (1, 2)]
    return variants


def budget(base: FreeRun, runs: dict[str, FreeRun]) -> Budget:
    """The limits around `base`, from its benign variants' free runs by name, all of one length."""
    losses = _running_maximum([relative_difference(base.losses, run.losses) for run in runs.values()])
    corrects = _running_maximum([np.abs(run.corrects - base.corrects) for run in runs.values()])
    tests = {
        step: max(abs(run.test_corrects[step] - correct) for run in runs.values())
        for step, correct in base.test_corrects.items()
    }
    return Budget(
        horizon=int(np.argmax(np.append(losses, np.inf) > PREDICTABLE)) - 1,
        loss_limits=np.maximum(FLOOR, SLACK * losses),
        correct_limits=_allowed_images(corrects),
        test_limits={step: float(_allowed_images(np.array(apart))) for step, apart in tests.items()},
        spread=losses,
        variants=tuple(runs),
    )


def ensemble(base: Port, variants: list[Port], say: Callable[[str], None]) -> tuple[FreeRun, dict[str, FreeRun]]:
    """The free runs of `base` and, by name, of its variants, side by side to their end or to the step they part at.

    `say` is told of every step.
    """
    ports = [base, *variants]
    kept: list[list[trainer.Record]] = [[] for _ in ports]
    for step, records in enumerate(zip(*(one.records() for one in ports), strict=True)):
        for run, record in zip(kept, records, strict=True):
            run.append(record)
        losses = np.array([record.loss for record in records])
        apart = float(relative_difference(losses[:1], losses[1:]).max())
        say(f"step {step}: {apart:.1e} apart")
        if apart > PREDICTABLE:
            break
    runs = [one.as_free_run(records) for one, records in zip(ports, kept, strict=True)]
    return runs[0], dict(zip((variant.name for variant in variants), runs[1:], strict=True))


def relative_difference(expected: np.ndarray, got: np.ndarray) -> np.ndarray:
    """|got - expected| / |expected|, float64; NaN where either is, infinite where only the expected is zero."""
    wide = expected.astype(np.float64)
    apart = np.abs(got.astype(np.float64) - wide)
    return np.divide(apart, np.abs(wide), out=np.where(apart > 0, np.inf, apart), where=wide != 0)


def _running_maximum(series: list[np.ndarray]) -> np.ndarray:
    return np.maximum.accumulate(np.max(series, axis=0).astype(np.float64))


def _allowed_images(apart: np.ndarray) -> np.ndarray:
    """Three times what the ensemble differs by, at least three images: one in doubt must not decide."""
    return SLACK * np.maximum(apart, 1.0) + 0.5


def _permuted(straight: Port, seed: int) -> Port:
    order = np.random.default_rng(seed).permutation(len(straight.dataset.train.labels))
    train = Split(*(array[order] for array in straight.dataset.train))
    shuffled = straight.dataset._replace(train=train)
    workload = trainer.prepare(straight.config, shuffled, straight.workload.device)
    return dataclasses.replace(straight, name=f"permuted images, {seed}", workload=workload, order=order)


def _chunked(straight: Port, device: jax.Device, chunk: int) -> Port:
    config = dataclasses.replace(straight.config, chunk=chunk)
    other = port(config, straight.dataset, device, "dense", "float32")
    return dataclasses.replace(other, name=f"chunks of {chunk}")
