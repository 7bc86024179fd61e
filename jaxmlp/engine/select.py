"""Which engine a run uses: `Config`'s choices, with `auto` settled by the device. Serves `trainer`."""

from typing import Any, NamedTuple, Protocol

import jax
from jax import Array

from jaxmlp.config import Config
from jaxmlp.data.dataset import Split
from jaxmlp.engine.dense import Dense
from jaxmlp.engine.staircase import Staircase
from jaxmlp.model import Params, Totals


class Engine(Protocol):
    """What `trainer` asks of an engine. Engines are frozen dataclasses: hashable, so that jit takes them as static."""

    def describe(self) -> dict[str, Any]:
        """What the engine is, for the log and config.json: its layout, arithmetic and chunk."""
        ...

    def prepare(self, split: Split, device: jax.Device) -> Any:
        """Lays a split out on the device, once a run; the result is a pytree with a `size`, the number of images."""
        ...

    def loss_and_grads(self, params: Params, batch: Any) -> tuple[Array, Array, Params]:
        """The mean loss (float), the correct count (int32) and the gradient of the mean loss."""
        ...

    def totals(self, params: Params, batch: Any) -> Totals:
        """Summed loss and correct count, with no gradient."""
        ...

    def logits(self, params: Params, batch: Any) -> Array:
        """float [N, C], in the order the images came."""
        ...


class Tiling(NamedTuple):
    """Images computed on together, and staircases with a pixel order of their own."""

    dense_chunk: int
    staircase_chunk: int
    groups: int
    skip_settled: bool


# On a CPU a tile's activations stay in cache; an accelerator wants few, large matmuls.
CPU = Tiling(dense_chunk=2000, staircase_chunk=500, groups=8, skip_settled=True)
ACCELERATOR = Tiling(dense_chunk=60_000, staircase_chunk=4000, groups=1, skip_settled=False)


def select(config: Config, device: jax.Device) -> Engine:
    """The engine of `config.layout`, `pixels` and `chunk`, with what is left open settled by the device."""
    on_cpu = device.platform == "cpu"
    tiling = CPU if on_cpu else ACCELERATOR
    pixels = config.pixels if config.pixels != "auto" else "float32" if on_cpu else "bf16x3"
    if config.layout == "dense":
        return Dense(pixels, config.chunk or tiling.dense_chunk)
    return Staircase(pixels, config.chunk or tiling.staircase_chunk, tiling.groups, tiling.skip_settled)
