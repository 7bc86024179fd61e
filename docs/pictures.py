"""Draws the pictures of architecture.md: `python docs/pictures.py` (MNIST where it is, else generated digits)."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from jaxmlp.data import Dataset, load
from jaxmlp.engine.ink_order import ink_groups
from jaxmlp.engine.screening import is_settled
from jaxmlp.execution import Execution
from jaxmlp.network import Network
from jaxmlp.placement import place_for
from jaxmlp.program import Program
from jaxmlp.trainer import Run, State, step

HERE = Path(__file__).parent
INK, ACCENT, MUTED, PALE = "#1f2933", "#c2410c", "#64748b", "#e2e8f0"
SHOWN = 600  # images a panel
SCREENED = 60_000, 301  # images and steps


def staircase_picture(images: np.ndarray) -> Figure:
    """The same images as they come, in one staircase, and in eight: what a step multiplies lies above the line."""
    ink = images > 0
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    axes = figure.subplots(1, 3, sharey=True)
    _panel(axes[0], ink[:: len(ink) // SHOWN], np.full(SHOWN, 784), "as they come: all 784 pixels")
    for axis, count, name in ((axes[1], 1, "one staircase"), (axes[2], 8, "eight staircases")):
        found = ink_groups(ink, count)
        rows, reaches = [], []
        for stairs in found:
            ascending = np.argsort(stairs.reach, kind="stable")
            shown = ascending[:: max(1, len(ink) // SHOWN)]
            rows.append(ink[stairs.members[shown]][:, stairs.order])
            reaches.append(stairs.reach[shown])
        share = np.concatenate([stairs.reach for stairs in found]).mean() / ink.shape[1]
        _panel(axis, np.concatenate(rows), np.concatenate(reaches), f"{name}: {share:.0%} of the pixels")
    axes[0].set_ylabel("images", color=MUTED)
    return figure


def _panel(axis, ink: np.ndarray, reach: np.ndarray, title: str) -> None:
    axis.imshow(ink, cmap="binary", aspect="auto", interpolation="antialiased", vmin=0, vmax=1)
    axis.step(reach - 0.5, np.arange(len(reach)), color=ACCENT, linewidth=1.2, where="mid")
    axis.set(xticks=[0, 783], yticks=[], xlim=(0, 784))
    axis.set_title(title, color=INK, fontsize=10)
    axis.set_xlabel("pixels, in the order of the layout", color=MUTED, fontsize=9)
    axis.tick_params(colors=MUTED, labelsize=8)


def screening_picture(dataset: Dataset, steps: int) -> Figure:
    """Step by step, the share of images that are computed and of those that have a gradient."""
    device, program = jax.devices("cpu")[0], Program(steps=steps)
    placed = place_for(program, Execution(screening="on"), dataset, device)
    run, network = Run(program, placed), Network.of(program)
    computed, unsettled = [], []

    @jax.jit
    def shares(state: State, batch: Any) -> tuple[jax.Array, jax.Array]:
        def unsettled(inputs: Any, rest: Any, labels: Any, _: Any) -> jax.Array:
            logits = network.forward(inputs, rest).logits
            return (jax.grad(lambda logits: network.losses(logits, labels).sum())(logits) != 0).any(axis=1)

        settled = is_settled(network, state.params, batch, state.bounds)
        return 1 - settled.mean(), placed.engine.map_rows(unsettled, state.params, batch).mean()

    state = run.state
    for _ in range(steps):
        one, other = shares(state, placed.train)
        computed.append(float(one))
        unsettled.append(float(other))
        state, _ = step(state, placed.train, engine=placed.engine, recipe=run.recipe)
    figure = Figure(figsize=(10, 3), layout="constrained")
    axis = figure.subplots()
    axis.fill_between(range(steps), computed, color=PALE)
    axis.plot(computed, color=INK, label="computed")
    axis.plot(unsettled, color=ACCENT, label="with a gradient")
    axis.set(xlim=(0, steps - 1), ylim=(0, 1), yticks=[0, 0.25, 0.5, 0.75, 1])
    axis.set_yticklabels(["0", "25 %", "50 %", "75 %", "all images"])
    axis.set_xlabel(f"step of the original's run on {len(dataset.train.labels):,} images", color=MUTED, fontsize=9)
    axis.tick_params(colors=MUTED, labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, labelcolor=INK, fontsize=9)
    return figure


def three_passes_picture(weight: np.float32) -> Figure:
    """The 24 significant bits of a weight cut into three bfloat16 parts, beside the 8 bits of a byte."""
    figure = Figure(figsize=(10, 2.6), layout="constrained")
    axis = figure.subplots()
    bits = f"{int(np.float32(weight).view(np.uint32)):032b}"
    significand = "1" + bits[9:]
    for place, bit in enumerate(significand):
        part = place // 8
        _cell(axis, place + part * 0.6, 1.5, bit, (ACCENT, INK, MUTED)[part])
    for part, name in enumerate(("high", "middle", "low")):
        axis.text(part * 8.6 + 4, 2.85, f"W {name}: a bfloat16", ha="center", color=INK, fontsize=10)
    for place, bit in enumerate("10110101"):
        _cell(axis, place + 8.6, 0, bit, "#0f766e")
    axis.text(8.3, 0.5, "a pixel, 181: one bfloat16", ha="right", va="center", color=INK, fontsize=10)
    axis.text(17.0, 0.5, "×  each part: 16 bits, exact in float32", ha="left", va="center", color=INK, fontsize=10)
    axis.text(-0.3, 2.0, f"W = {weight:.9g}\n24 bits", ha="right", va="center", color=INK, fontsize=10)
    axis.set(xlim=(-5, 26), ylim=(-0.2, 3.4))
    axis.axis("off")
    return figure


def _cell(axis, x: float, y: float, bit: str, colour: str) -> None:
    axis.add_patch(Rectangle((x, y), 0.92, 1, facecolor=colour if bit == "1" else PALE, edgecolor="white"))
    axis.text(x + 0.46, y + 0.5, bit, ha="center", va="center", color="white" if bit == "1" else MUTED, fontsize=9)


if __name__ == "__main__":
    images, steps = SCREENED
    screening_picture(load("auto").first(images), steps).savefig(HERE / "screening.png", dpi=120)
    staircase_picture(load("auto").train.images).savefig(HERE / "staircase.png", dpi=120)
    three_passes_picture(np.float32(0.7365012)).savefig(HERE / "three_passes.png", dpi=120)
