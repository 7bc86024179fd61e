"""glibc's float32 powf, expf, logf and cosf for JAX arrays: TensorFlow's schedules call them, a number at a time.

glibc computes in double and rounds once, so this does too, whatever `jax_enable_x64` says. FMA in XLA or in glibc moves
the last bits of a double only: of 80 million results above 1.2e-38 none differed. Constants: Arm's (MIT), see `glibc`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxmlp.tf1.glibc import HALF_PI, INVC, LN2, LOG_A, LOG_OFFSET, LOGC, TWO_OVER_PI, C, S

_hex = float.fromhex

# fmt: off
LOG2C = np.array([_hex(h) for h in (
    "-0x1.efec65b963019p-2", "-0x1.b0b6832d4fca4p-2", "-0x1.7418b0a1fb77bp-2", "-0x1.39de91a6dcf7bp-2",
    "-0x1.01d9bf3f2b631p-2", "-0x1.97c1d1b3b7afp-3", "-0x1.2f9e393af3c9fp-3", "-0x1.960cbbf788d5cp-4",
    "-0x1.a6f9db6475fcep-5", "0x0p+0", "0x1.338ca9f24f53dp-4", "0x1.476a9543891bap-3",
    "0x1.e840b4ac4e4d2p-3", "0x1.40645f0c6651cp-2", "0x1.88e9c2c1b9ff8p-2", "0x1.ce0a44eb17bccp-2")])
LOG2_A = tuple(map(_hex, (
    "0x1.27616c9496e0bp-2", "-0x1.71969a075c67ap-2", "0x1.ec70a6ca7baddp-2", "-0x1.7154748bef6c8p-1",
    "0x1.71547652ab82bp0")))
# fmt: on
EXP2_TABLE = 2.0 ** (np.arange(32) / 32)
EXP2_C = tuple(map(_hex, ("0x1.c6af84b912394p-5", "0x1.ebfce50fac4f3p-3", "0x1.62e42ff0c52d6p-1")))
INV_LN2 = _hex("0x1.71547652b82fep+0")
HALF_PI_TAIL = _hex("0x1.1a62633145c07p-54")  # HALF_PI + this is half pi to 107 bits
BEYOND_FLOAT = 160.0  # 2 to this is infinity, 2 to minus this is 0, in float32


def _in_double(function: Callable[..., Array]) -> Callable[..., Array]:
    """The function of float32 arrays, of one shape, with doubles inside whatever `jax_enable_x64` says."""

    def rounded_once(*arguments: Array) -> Array:
        with jax.enable_x64(True):
            return lax.convert_element_type(function(*arguments), jnp.float32)

    rounded_once.__doc__ = function.__doc__
    return rounded_once


def _double(x: Array) -> Array:
    return lax.convert_element_type(x, jnp.float64)


def _split(x: Array) -> tuple[Array, Array, Array]:
    """Positive, normal float32 -> table index int32, exponent and mantissa float64, as glibc's logf and powf do."""
    bits = lax.bitcast_convert_type(x, jnp.int32)
    shifted = bits - LOG_OFFSET
    mantissa = lax.bitcast_convert_type(bits - (shifted & np.int32(-(1 << 23))), jnp.float32)
    return (shifted >> 19) & 15, _double(shifted >> 23), _double(mantissa)


def _exp2(x: Array) -> Array:
    """2 to the float64 x, which is between plus and minus BEYOND_FLOAT."""
    steps = jnp.round(x * 32)
    r = x - steps / 32
    whole = lax.convert_element_type(steps, jnp.int32)
    octave = whole >> 5
    half = octave >> 1  # in two factors, since one may be no normal float32
    scale = _power_of_two(half) * _power_of_two(octave - half) * jnp.asarray(EXP2_TABLE)[whole & 31]
    return ((EXP2_C[0] * r + EXP2_C[1]) * (r * r) + (EXP2_C[2] * r + 1)) * scale


def _power_of_two(exponent: Array) -> Array:
    return _double(lax.bitcast_convert_type((exponent + 127) << 23, jnp.float32))


@_in_double
def logf(x: Array) -> Array:
    """Natural logarithm of positive, normal float32."""
    index, exponent, mantissa = _split(x)
    r = mantissa * jnp.asarray(INVC)[index] - 1.0
    y0 = jnp.asarray(LOGC)[index] + exponent * LN2
    r2 = r * r
    return (LOG_A[0] * r2 + (LOG_A[1] * r + LOG_A[2])) * r2 + (y0 + r)


@_in_double
def expf(x: Array) -> Array:
    """Exponential of float32; 0 and infinity where float32 ends."""
    return _exp2(jnp.clip(_double(x) * INV_LN2, -BEYOND_FLOAT, BEYOND_FLOAT))


@_in_double
def powf(x: Array, y: Array) -> Array:
    """x ** y of float32; NaN for a negative x unless y is a whole number, as in C."""
    ordinary = (x != 0) & jnp.isfinite(x)
    index, exponent, mantissa = _split(jnp.where(ordinary, jnp.abs(x), jnp.float32(1)))
    r = mantissa * jnp.asarray(INVC)[index] - 1.0
    r2 = r * r
    high = (LOG2_A[0] * r + LOG2_A[1]) * (r2 * r2)
    log2 = high + ((LOG2_A[2] * r + LOG2_A[3]) * r2 + (LOG2_A[4] * r + (jnp.asarray(LOG2C)[index] + exponent)))
    power = _exp2(jnp.clip(_double(y) * log2, -BEYOND_FLOAT, BEYOND_FLOAT))
    return _special_powers(x, y, ordinary, power)


def _special_powers(x: Array, y: Array, ordinary: Array, power: Array) -> Array:
    """`power` is that of |x| where x is ordinary; signs, zeros, infinities and NaN are put in here."""
    of_zero_or_infinity = jnp.where((jnp.abs(x) > 1) == (y > 0), jnp.inf, 0.0)
    power = jnp.where(ordinary, power, of_zero_or_infinity)
    odd, whole = jnp.abs(jnp.fmod(y, 2)) == 1, jnp.floor(y) == y
    power = jnp.where((x < 0) & odd, -power, power)
    undefined = jnp.isnan(x) | jnp.isnan(y) | ((x < 0) & jnp.isfinite(x) & ~whole)
    return jnp.where((y == 0) | (x == 1), 1.0, power * jnp.sqrt(jnp.where(undefined, -1.0, 1.0)))


@_in_double
def cosf(x: Array) -> Array:
    """Cosine of float32 up to 2**30. From 120 on, where glibc reduces otherwise, from half pi in two parts."""
    angle = _double(x)
    quadrant = jnp.floor(angle * TWO_OVER_PI + 0.5)
    tail = jnp.where(jnp.abs(x) < 120, 0.0, quadrant * HALF_PI_TAIL)
    r = (angle - quadrant * HALF_PI) - tail
    r2 = r * r
    r3, r4 = r2 * r, r2 * r2
    sine = (r + r3 * S[0]) + (r3 * r2) * (S[1] + r2 * S[2])
    cosine = ((1.0 + r2 * C[0]) + r4 * C[1]) + (r4 * r2) * (C[2] + r2 * C[3])
    n = lax.convert_element_type(quadrant, jnp.int32)
    value = jnp.where((n & 1) == 1, sine, cosine)
    return jnp.where(((n + 1) & 2) == 2, -value, value)
