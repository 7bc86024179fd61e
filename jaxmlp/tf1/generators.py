"""TensorFlow 1.x's random ops on the device: their generators as data, and the uniform values they draw, in JAX.

The bits are those of `random.random_uniform`, on every device. Philox4x32-10 is done in 32-bit integers, so no x64 is
needed; seeds and counters are arrays, so nothing is compiled anew for another seed or another step.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike

from jaxmlp.tf1.streams import BLOCKS_PER_VALUE, MULTIPLIERS, ROUNDS, WEYL, Shape, Stream, sides_of, size_of
from jaxmlp.tf1.uniforms import MANTISSA_BITS, float_type

Words = tuple[Array, Array, Array, Array]  # the four words of each Philox block: uint32 of the blocks' shape
Pair = tuple[Array, Array]  # an integer of 64 bits: its low and its high half, uint32


class Generator(NamedTuple):
    """One random op in one session, for use within `jit`, `scan` and `vmap`."""

    key: Array  # uint32 [4]: seed low, seed high, seed2 low, seed2 high
    counter: Array  # uint32 [2]: the number of the next run's first block, low and high

    def after(self, shape: Shape) -> "Generator":
        """The generator once the op has run for `shape`: each run moves it on, also one whose values nobody uses."""
        low, high = _add((self.counter[0], self.counter[1]), _halves(BLOCKS_PER_VALUE * size_of(shape)))
        return self._replace(counter=jnp.stack([low, high]))


def generator(stream: Stream) -> Generator:
    """The generator of a stream. Raises ValueError where `stream.runs` is not 0: `stream.after` takes their shapes."""
    if stream.runs:
        raise ValueError(f"stream.runs = {stream.runs}: give the shapes of earlier runs by stream.after(shape, …)")
    halves = [half for number in (stream.seed, stream.seed2, stream.first_block(0)) for half in _halves(number)]
    return Generator(jnp.stack(halves[:4]), jnp.stack(halves[4:]))


def uniform(
    generator: Generator,
    shape: Shape,
    minval: float = 0,
    maxval: float = 1,
    dtype: DTypeLike = jnp.float32,
    rows: Array | None = None,
) -> tuple[Array, Generator]:
    """`tf.random.uniform` over [minval, maxval) -> values of `shape`, and the generator for the next run.

    dtype float32, float16, bfloat16 or, with x64, float64; float16 and bfloat16 have TensorFlow's bits over [0, 1), and
    elsewhere where XLA rounds after each operation. `rows` int [B]: only those rows of the tensor, in that order, each
    in [0, shape[0]); the generator moves on by the whole `shape`. Raises ValueError for another dtype, and for rows of
    a scalar.
    """
    dtype = float_type("uniform", dtype)
    low, high = dtype.type(minval), dtype.type(maxval)
    blocks, shift = _blocks(shape, rows, _width(dtype))
    words = _interleaved(_words(generator, blocks))
    units = _unit(dtype, *((words[..., ::2], words[..., 1::2]) if dtype == np.float64 else (words,)))
    spread = jnp.maximum(units * (high - low), jnp.finfo(dtype).min)  # lest XLA makes one FMA of product and sum
    return _cut(spread + low, shape, shift), generator.after(shape)


def at_least(
    generator: Generator, shape: Shape, bound: Array | np.ndarray, rows: Array | None = None
) -> tuple[Array, Generator]:
    """Where `uniform`, over [0, 1) and of the bound's dtype, is >= bound -> bool of `shape`, and the next generator.

    bound: one number. `rows` and errors as in `uniform`; a comparison costs less than the values do.
    """
    dtype = float_type("at_least", bound.dtype)
    blocks, shift = _blocks(shape, rows, _width(dtype))
    words = _words(generator, blocks)
    units = [_unit(dtype, *of) for of in ((words[:2], words[2:]) if dtype == np.float64 else zip(words, strict=True))]
    flags = _bytes([(unit >= bound).astype(jnp.uint32) for unit in units])
    return _cut(flags, shape, shift) != 0, generator.after(shape)


def _words(generator: Generator, blocks: Pair) -> Words:
    """What `streams.philox` makes of blocks that count from the run's first."""
    k0, k1, c2, c3 = generator.key
    c0, c1 = _add((generator.counter[0], generator.counter[1]), blocks)
    for _ in range(ROUNDS):
        (low0, high0), (low1, high1) = _product(c0, MULTIPLIERS[0]), _product(c2, MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = k0 + np.uint32(WEYL[0]), k1 + np.uint32(WEYL[1])
    return c0, c1, c2, c3


def _blocks(shape: Shape, rows: Array | None, width: int) -> tuple[Pair, Array | None]:
    """Blocks to draw, of `width` values each: all, [G], or each row's, [B, G], and how far into them the row begins."""
    if rows is None:
        groups = jnp.arange(-(-size_of(shape) // width), dtype=jnp.uint32)
        return (groups, jnp.zeros_like(groups)), None
    units = size_of(_row(shape))
    low, high = _product(rows.astype(jnp.uint32), units)
    bits = width.bit_length() - 1
    first = (low >> np.uint32(bits)) | (high << np.uint32(32 - bits)), high >> np.uint32(bits)
    aligned = units % width == 0
    groups = jnp.arange(units // width if aligned else -(-(units + width - 1) // width), dtype=jnp.uint32)
    of_row = _add((first[0][:, None], first[1][:, None]), (groups[None], jnp.zeros_like(groups)[None]))
    return of_row, None if aligned else low & np.uint32(width - 1)


def _cut(values: Array, shape: Shape, shift: Array | None) -> Array:
    """Values [G] to `shape`, or [B, G] to the rows' [B, …]: there, `shift` [B] of the first are another row's."""
    if values.ndim == 1:
        return values[: size_of(shape)].reshape(sides_of(shape))
    units = size_of(_row(shape))
    if shift is not None:
        width = values.shape[1] - units + 1
        slices = [values[:, start : start + units] for start in range(width)]
        values = jax.lax.select_n(jnp.broadcast_to(shift[:, None].astype(jnp.int32), slices[0].shape), *slices)
    return values.reshape(-1, *_row(shape))


def _row(shape: Shape) -> tuple[int, ...]:
    if not (sides := sides_of(shape)):
        raise ValueError("rows of the shape (), a scalar: give the shape at least one dimension")
    return sides[1:]


def _interleaved(words: Words) -> Array:
    """uint32 [..., G] four times -> [..., 4G], the words of block after block.

    By way of bytes: XLA on a CPU would draw each block four times over for `jnp.stack`, a hundred times as slow.
    """
    planes = []
    for shift in (0, 8, 16, 24):
        plane = _bytes([(word >> np.uint32(shift)) & np.uint32(0xFF) for word in words])
        planes.append(plane.astype(jnp.uint32) << np.uint32(shift))
    return planes[0] | planes[1] | planes[2] | planes[3]


def _bytes(columns: list[Array]) -> Array:
    """Two or four uint32 [..., G], all below 256 -> uint8 [..., 2G or 4G], one of each in turn."""
    packed = columns[0]
    for place, column in enumerate(columns[1:], 1):
        packed = packed | (column << np.uint32(8 * place))
    whole = packed.astype(jnp.uint32 if len(columns) == 4 else jnp.uint16)
    split = jax.lax.bitcast_convert_type(whole, jnp.uint8)
    return split.reshape(*split.shape[:-2], -1)


def _width(dtype: np.dtype) -> int:
    """Values that one block gives."""
    return 16 // max(dtype.itemsize, 4)


def _unit(dtype: np.dtype, *words: Array) -> Array:
    """A word for each value, of float64 two -> values in [0, 1), exactly as in `uniforms`."""
    if dtype == np.float64:
        high, low = words[0] & np.uint32(0xFFFFF), words[1]
        return high.astype(dtype) * dtype.type(2.0**-20) + low.astype(dtype) * dtype.type(2.0**-52)
    bits = MANTISSA_BITS[dtype.name]
    values = (words[0] & np.uint32((1 << bits) - 1)).astype(jnp.float32) * np.float32(2.0**-bits)
    return values.astype(dtype)


def _product(a: Array, b: int) -> Pair:
    """uint32 times a number below 2^32, all 64 bits of it, by halves of 16 bits."""
    low, high, shift, mask = np.uint32(b & 0xFFFF), np.uint32(b >> 16), np.uint32(16), np.uint32(0xFFFF)
    a_low, a_high = a & mask, a >> shift
    middle = a_high * low + ((a_low * low) >> shift)
    other = a_low * high + (middle & mask)
    return a * np.uint32(b), a_high * high + (middle >> shift) + (other >> shift)


def _add(a: Pair, b: Pair) -> Pair:
    low = a[0] + b[0]
    return low, a[1] + b[1] + (low < b[0]).astype(jnp.uint32)


def _halves(number: int) -> Pair:
    return jnp.asarray(np.uint32(number % 2**32)), jnp.asarray(np.uint32(number // 2**32 % 2**32))
