"""How cost grows with images, hidden units and seeds trained at once; and what training eight at once saves.

Every point is a process of its own (`peers/ours.py`, `peers/ours_many.py`), so that memory is that point's alone.
"""

import contextlib
import dataclasses
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.contender import Contender
from bench.errors import ContenderFailed, ReferenceFailed
from bench.lineup import Peer
from bench.row import Spread, spread
from bench.workload import Workload, write
from jaxmlp.data import Split
from jaxmlp.data.generated import draw
from jaxmlp.progress import Progress

IMAGES = (1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 600_000)
HIDDEN = (128, 256, 512, 1024, 2048, 4096, 8192)
SEEDS = (1, 2, 4, 8, 16, 32)
TOGETHER = 8  # configurations of the sweep that is trained at once
MEMBER_IMAGES = 10_000  # for what is trained many at once
TIMED_BLOCKS = 3
ACCELERATOR_BLOCK = 20  # steps to a dispatch where a step is too short to be clocked alone


class Point(NamedTuple):
    value: int
    seconds: float  # a step, all members of it; median
    flop: int  # of that step as the formula is written
    peak_rss_bytes: int


@dataclasses.dataclass(frozen=True)
class Sweep:
    """One quantity varied, all else fixed."""

    varied: str
    fixed: str
    points: list[Point]
    exponent: float  # of the power law through the points, by least squares on logarithms


class AtOnce(NamedTuple):
    """Eight configurations of one shape, `vmap`ped into one step, against eight steps in turn."""

    fixed: str
    at_once_seconds: float
    in_turn_seconds: float
    ratio: Spread  # in turn / at once, over interleaved rounds


@dataclasses.dataclass(frozen=True)
class Growth:
    sweeps: list[Sweep]
    at_once: AtOnce


class Scale(NamedTuple):
    """The values of each sweep."""

    images: tuple[int, ...] = IMAGES
    hidden: tuple[int, ...] = HIDDEN
    seeds: tuple[int, ...] = SEEDS
    member_images: int = MEMBER_IMAGES


def measure(split: Split, workload: Workload, scale: Scale, rounds: int) -> Growth:
    """Runs the sweeps. More images than `split` has are generated ones.

    Raises ReferenceFailed when jaxmlp itself fails at one of the points.
    """
    hidden, images = workload.hidden, workload.images
    few = Split(*(array[: scale.member_images] for array in split))
    points = len(scale.images + scale.hidden + scale.seeds) + 1
    try:
        with Progress(points, "point", "measuring growth") as told:
            by_images = _sweep(_by_images(split, scale.images, workload), "images", f"{hidden} hidden units", told)
            of_hidden = ((h, split, workload._replace(hidden=h), 1) for h in scale.hidden)
            by_hidden = _sweep(of_hidden, "hidden units", f"{images:,} images", told)
            small = workload._replace(images=len(few.labels))
            fixed = f"{small.images:,} images, {hidden} hidden units each"
            by_seeds = _sweep(((s, few, small, s) for s in scale.seeds), "seeds at once", fixed, told)
            return Growth([by_images, by_hidden, by_seeds], _at_once(few, small, rounds, told))
    except ContenderFailed as failure:
        raise ReferenceFailed(f"jaxmlp failed while its growth was measured: {failure}") from None


def _by_images(split: Split, counts: tuple[int, ...], workload: Workload) -> Iterator[Any]:
    there = len(split.labels)
    for count in counts:
        chosen = Split(*(array[:count] for array in split)) if count <= there else draw(count, seed=0)
        yield count, chosen, workload._replace(images=count), 1


def _sweep(points: Iterator[Any], varied: str, fixed: str, told: Progress) -> Sweep:
    """`points` yields the value, the images, the workload of one member, and the number of members."""
    measured = []
    for value, split, workload, members in points:
        told.update(0, f"{value:,} {varied}")
        with _contender(split, workload, members, "at_once") as contender:
            block = 1 if workload.device == "cpu" else ACCELERATOR_BLOCK
            contender.run(block, block)
            answer = contender.run(TIMED_BLOCKS * block, block)
        seconds = statistics.median(answer["seconds"]) / block
        measured.append(Point(value, seconds, members * workload.flop, answer["peak_rss_bytes"]))
        told.update()
    return Sweep(varied, fixed, measured, exponent(measured))


def exponent(points: list[Point]) -> float:
    """The power p of seconds ~ value^p, by least squares on logarithms."""
    values, seconds = np.array([(point.value, point.seconds) for point in points]).T
    return float(np.polyfit(np.log(values), np.log(seconds), 1)[0])


def _at_once(split: Split, workload: Workload, rounds: int, told: Progress) -> AtOnce:
    told.update(0, f"{TOGETHER} configurations at once and in turn")
    with (
        _contender(split, workload, TOGETHER, "at_once") as together,
        _contender(split, workload, TOGETHER, "in_turn") as apart,
    ):
        first, other = together.run(1, 1), apart.run(1, 1)
        if not np.allclose(first["losses"], other["losses"], rtol=1e-4, atol=0):
            raise ContenderFailed(f"losses at once {first['losses']} against {other['losses']} in turn")
        block = 1 if workload.device == "cpu" else ACCELERATOR_BLOCK
        turns = [(together.run(block, block), apart.run(block, block)) for _ in range(rounds)]
    at_once, in_turn = ([answer["seconds"][0] / block for answer in answers] for answers in zip(*turns, strict=True))
    fixed = f"{workload.images:,} images, {workload.hidden} hidden units each"
    ratio = spread([slow / fast for slow, fast in zip(in_turn, at_once, strict=True)])
    return AtOnce(fixed, statistics.median(at_once), statistics.median(in_turn), ratio)


@contextlib.contextmanager
def _contender(split: Split, workload: Workload, members: int, how: str) -> Iterator[Contender]:
    """A process of ours for one problem, and the folder it reads, for the length of a `with`."""
    alone = members == 1
    module = "bench.peers.ours" if alone else "bench.peers.ours_many"
    options = () if alone else (f"members={members}", f"how={how}")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        write(Path(folder), split, workload)
        with Contender(Peer("jaxmlp", module, options), Path(folder)) as contender:
            yield contender
