"""Arithmetic in which every operation rounds once and in the order written, under `jax.jit` too, as in TensorFlow 1.15.

TensorFlow's wheel has no FMA. XLA fuses a*b + c into one FMA, and turns x / scalar into x * (1 / scalar), a*b*c into
a*(b*c), x / sqrt(y) into x * rsqrt(y): jitted code loses last bits that the same code has op by op.
`lax.optimization_barrier` does not help, for XLA removes it before it makes code for a CPU. A comparison does.
"""

import jax.numpy as jnp
from jax import Array


def fenced(x: Array) -> Array:
    """x, and nothing before it is merged with anything after it. A NaN stays one, and none is made."""
    return jnp.where(x == x, x, -x)


def times(*factors: Array) -> Array:
    """The product from left to right, each rounded."""
    product, *rest = factors
    for factor in rest:
        product = fenced(product * factor)
    return product


def over(dividend: Array, divisor: Array) -> Array:
    """dividend / divisor, a true division also where the divisor is one number for all.

    Not so if the dividend is a constant of the jitted function: pass data as arguments.
    """
    own = jnp.where(dividend == dividend, divisor, -divisor)
    return fenced(dividend / own)


def root(x: Array) -> Array:
    """The correctly rounded square root. TensorFlow's own, in groups of 8 elements, is up to 4 ulp off that."""
    return fenced(jnp.sqrt(x))
