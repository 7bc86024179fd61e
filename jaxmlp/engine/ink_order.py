"""In which order to lay images and pixels out so that blank pixels gather in a corner. Serves `staircase`.

A staircase is an order of the pixels in which most images need only a first few: image i has no ink behind its `reach`.
A greedy pass finds a good one for a set of images; several halve what is left: k-means with orders for centres.
"""

import itertools
from typing import NamedTuple

import numpy as np

ALIGNMENT = 8  # a reach that is computed to is a multiple: whole vector registers
WORTHWHILE = 0.9  # share of the pixels that must be left to multiply, else the images keep their order


class InkGroup(NamedTuple):
    """A set of images and the pixel order that suits them: a staircase."""

    members: np.ndarray  # int [n], indices of images
    reach: np.ndarray  # int [n], leading pixels of `order` that hold all of a member's ink
    order: np.ndarray  # int [P], pixels first to last


def ink_groups(ink: np.ndarray, count: int, sample: int = 12_000, rounds: int = 4) -> list[InkGroup]:
    """Splits images into at most `count` staircases that keep the sum of reaches low; 1 is a single pass.

    `ink`: bool [N, P], whether a pixel of an image is not blank. The orders are first fitted to `sample` images, in
    `rounds` of assigning these to the order that suits them and finding the orders anew.
    """
    few = ink[np.random.default_rng(0).permutation(len(ink))[:sample]]  # drawn from no seed of the user's
    group = _most_alike(few, few[:count])
    for images in [few] * rounds + [ink] if count > 1 else []:
        orders = [greedy_order(few[group == g])[0] for g in np.unique(group)]
        group = np.stack([_reach(images, order) for order in orders]).argmin(axis=0)  # the order of least reach
    group = group if count > 1 else np.zeros(len(ink), int)
    return [ink_group(ink, np.flatnonzero(group == g)) for g in np.unique(group)]


def worth_ordering(groups: list[InkGroup]) -> bool:
    """Whether the staircases leave enough out."""
    return np.concatenate([group.reach for group in groups]).mean() <= WORTHWHILE * len(groups[0].order)


def as_they_come(images: int, pixels: int) -> InkGroup:
    """A staircase of no stairs."""
    return InkGroup(np.arange(images), np.full(images, pixels), np.arange(pixels))


def aligned(reach: np.ndarray | int, pixels: int) -> np.ndarray:
    """int: to how many leading pixels a reach is computed; one at least, all at most."""
    return np.minimum(pixels, -(-np.maximum(1, reach) // ALIGNMENT) * ALIGNMENT)


def ink_group(ink: np.ndarray, members: np.ndarray) -> InkGroup:
    """The staircase of the given images."""
    order, reach = greedy_order(ink[members])
    return InkGroup(members, reach, order)


def greedy_order(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """ink bool [n, P] -> order int [P] and reach int [n].

    Fills the places from last to first, each with the pixel that the fewest remaining images need: with it their reach
    is settled, and they no longer count.
    """
    images, pixels = ink.shape
    by_pixel = np.ascontiguousarray(ink.T)
    needed = by_pixel.sum(axis=1)  # remaining images with ink there
    remaining, placed = np.ones(images, bool), np.zeros(pixels, bool)
    order, reach = np.empty(pixels, np.int64), np.zeros(images, np.int64)
    for place in range(pixels - 1, -1, -1):
        pixel = int(np.where(placed, images + 1, needed).argmin())
        order[place], placed[pixel] = pixel, True
        if needed[pixel]:
            settled = np.flatnonzero(by_pixel[pixel] & remaining)
            reach[settled] = place + 1
            remaining[settled] = False
            needed = needed - ink[settled].sum(axis=0)
    return order, reach


def cheapest_levels(reach: np.ndarray, count: int) -> list[int]:
    """Bounds of at most `count` runs of rising reaches that waste least when each run is raised to its largest.

    reach int [T], ascending -> 0 = b₀ < b₁ < … = T; run j is reach[bⱼ:bⱼ₊₁]. Dynamic programming over where a run
    begins: O(count T²).
    """
    tiles, begins = len(reach), []
    cost = np.array([0.0] + [np.inf] * tiles)
    length = np.arange(1, tiles + 1)[:, None] - np.arange(tiles)  # of a run that ends with tile i and begins with j
    for _ in range(min(count, tiles)):
        total = np.where(length > 0, cost[:-1] + reach[:, None] * length, np.inf)
        begins.append(total.argmin(axis=1))
        cost = np.concatenate([[np.inf], total.min(axis=1)])
    bounds = [tiles]
    for begin in reversed(begins):
        bounds.append(int(begin[bounds[-1] - 1]))
    bounds.reverse()
    largest = {first: reach[last - 1] for first, last in itertools.pairwise(bounds)}
    return [b for b in bounds if b in (0, tiles) or largest[b] != reach[b - 1]]  # runs of one reach are one run


def _reach(ink: np.ndarray, order: np.ndarray) -> np.ndarray:
    """int [n]: the last place of each image's ink in the order, from 1; 0 without ink."""
    place = np.empty(len(order), np.uint16)
    place[order] = np.arange(1, len(order) + 1)
    reach = np.empty(len(ink), np.uint16)
    for first in range(0, len(ink), 2000):  # a product that stays in cache
        reach[first : first + 2000] = (ink[first : first + 2000] * place).max(axis=1, initial=0)
    return reach


def _most_alike(ink: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """int [n]: the centre that differs from an image in the fewest pixels."""
    centre = centres.astype(np.float32)
    return (2 * ink.astype(np.float32) @ centre.T - centre.sum(axis=1)).argmax(axis=1)
