"""Eigen's float32 exp, log, tanh and logistic function, as TensorFlow 1.15's CPU kernels compute groups of eight.

Polynomials evaluated by Horner's rule, each product rounded: `rounding.py`. For the last `n mod 8` elements
the kernels call glibc's exp and log, which this module does not follow: a logistic(-18) is 1.5e-8 there, not 0.
Sources: Eigen's MathFunctionsImpl.h, UnaryFunctors.h and GenericPacketMathFunctions.h; exp and log are Cephes'.
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxmlp.tf1.rounding import fenced

f32 = np.float32

EXP_LIMIT = f32(88.3762626647950)
EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
LOG2_E = f32(1.44269504088896341)
LN2_HIGH, LN2_LOW = f32(0.693359375), f32(-2.12194440e-4)
SQRT_HALF = f32(0.707106781186547524)
LOG_LOW = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1)
LOG_MIDDLE = (-1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1)
LOG_HIGH = (2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
TANH_LIMIT, LOGISTIC_LIMIT = f32(9), f32(18)
TANH_OVER = (
    *(-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08),
    *(1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03),
)
TANH_UNDER = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
LOGISTIC_OVER = (
    *(4.37031012579801e-11, 1.15627324459942e-07, 6.08574864600143e-05),
    *(8.51377133304701e-03, 2.48287947061529e-01),
)
LOGISTIC_UNDER = (
    *(6.10247389755681e-13, 5.76102136993427e-09, 6.29106785017040e-06),
    *(1.70198817374094e-03, 1.16817656904453e-01, 9.93151921023180e-01),
)


def exp(x: Array) -> Array:
    """e**x, float32 -> float32: inf from 88.37627 on, 0 below -87.337."""
    clamped = jnp.clip(x, -EXP_LIMIT, EXP_LIMIT)
    power = jnp.floor(fenced(clamped * LOG2_E) + f32(0.5))
    r = clamped - fenced(power * LN2_HIGH) - fenced(power * LN2_LOW)
    y = fenced(_horner(EXP, r) * fenced(r * r)) + r + f32(1)
    scale = lax.bitcast_convert_type((power.astype(jnp.int32) + 127) << 23, jnp.float32)
    return jnp.where(x == x, y * scale, x)


def log(x: Array) -> Array:
    """Natural logarithm of positive, normal float32 -> float32; inf and NaN are their own."""
    bits = lax.bitcast_convert_type(x, jnp.int32)
    half = lax.bitcast_convert_type((bits & 0x7FFFFF) | 0x3F000000, jnp.float32)  # in [1/2, 1)
    small = half < SQRT_HALF
    exponent = ((bits >> 23) - 126 - small.astype(jnp.int32)).astype(jnp.float32)
    # What is made of integers is never NaN, and LLVM knows: `rounded` would leave it no choice.
    mantissa, e = jnp.where(x == x, half, x), jnp.where(x == x, exponent, x)
    m = mantissa - f32(1) + jnp.where(small, mantissa, f32(0))
    m2 = fenced(m * m)
    m3 = fenced(m2 * m)
    y = fenced(_horner(LOG_LOW, m) * m3) + _horner(LOG_MIDDLE, m)
    y = fenced(y * m3) + _horner(LOG_HIGH, m)
    y = fenced(y * m3) + fenced(e * LN2_LOW)
    return jnp.where(x < f32(np.inf), m - fenced(m2 * f32(0.5)) + y + fenced(e * LN2_HIGH), x)


def tanh(x: Array) -> Array:
    """Hyperbolic tangent, float32 -> float32: that of x clamped to [-9, 9], which at 9 is exactly 1."""
    x = jnp.clip(x, -TANH_LIMIT, TANH_LIMIT)
    x2 = fenced(x * x)
    return x * _horner(TANH_OVER, x2) / _horner(TANH_UNDER, x2)


def logistic(x: Array) -> Array:
    """1/(1 + e**-x), float32 -> float32: that of x clamped to [-18, 18].

    Its error is up to 9e-8, so 0 and 1 first occur at -15.72 and 15.64, beside 3e-8 and 6e-8 off them; from 18 on only.
    """
    x = jnp.clip(x, -LOGISTIC_LIMIT, LOGISTIC_LIMIT)
    x2 = fenced(x * x)
    return jnp.clip(x * _horner(LOGISTIC_OVER, x2) / _horner(LOGISTIC_UNDER, x2) + f32(0.5), f32(0), f32(1))


def _horner(coefficients: Sequence[float], x: Array) -> Array:
    """The polynomial of these coefficients, the highest power's first."""
    y = f32(coefficients[0])
    for coefficient in coefficients[1:]:
        y = fenced(y * x) + f32(coefficient)
    return jnp.asarray(y)
