"""Functions of one tensor, number by number."""

import jax
import jax.numpy as jnp
from jax.scipy import special

from jaxmlp.tf1 import kinks
from parity.subject.graph.values import Op, Value, library, plain


def _sqrt(x: Value) -> Value:
    """Gradient g*0.5/y (`_SqrtGrad`): infinite at 0, and NaN where g is 0 there."""
    return jnp.sqrt(x)


def _absolute(x: Value) -> Value:
    return kinks.absolute(x) if jnp.issubdtype(jnp.asarray(x).dtype, jnp.floating) else jnp.abs(x)


def _clip(x: Value, low: Value, high: Value) -> Value:
    """`_clip_by_value_grad`: the whole gradient within the bounds and on them; beyond them to the bound."""
    return jnp.where(x < low, low, jnp.where(x > high, high, x))


def _flat(function: str) -> Op:
    """A staircase: its gradient is 0."""
    return plain(lambda x: jax.lax.stop_gradient(getattr(jnp, function)(x)))


def _negative(x: Value) -> Value:
    return library(x).negative(x)


TABLE: dict[str, Op] = {
    "Neg": plain(_negative),
    "Abs": plain(_absolute),
    "Sign": _flat("sign"),
    "Floor": _flat("floor"),
    "Ceil": _flat("ceil"),
    "Round": _flat("rint"),  # halves to the even number, both
    "Rint": _flat("rint"),
    "Square": plain(jnp.square),
    "Sqrt": plain(_sqrt),
    "Rsqrt": plain(jax.lax.rsqrt),
    "Reciprocal": plain(lambda x: 1 / x),
    "Inv": plain(lambda x: 1 / x),
    "Exp": plain(jnp.exp),
    "Expm1": plain(jnp.expm1),
    "Log": plain(jnp.log),
    "Log1p": plain(jnp.log1p),
    "Sin": plain(jnp.sin),
    "Cos": plain(jnp.cos),
    "Tan": plain(jnp.tan),
    "Asin": plain(jnp.arcsin),
    "Acos": plain(jnp.arccos),
    "Atan": plain(jnp.arctan),
    "Sinh": plain(jnp.sinh),
    "Cosh": plain(jnp.cosh),
    "Asinh": plain(jnp.arcsinh),
    "Acosh": plain(jnp.arccosh),
    "Atanh": plain(jnp.arctanh),
    "Erf": plain(special.erf),
    "Erfc": plain(special.erfc),
    "Lgamma": plain(special.gammaln),
    "Digamma": plain(special.digamma),
    "ClipByValue": plain(_clip),
}
