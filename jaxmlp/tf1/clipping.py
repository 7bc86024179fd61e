"""`tf.clip_by_*` (python/ops/clip_ops.py) as functions, and as optax transformations whose limits are data."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from jaxmlp.tf1.arguments import Number, above, number
from jaxmlp.tf1.kinks import clip_by_value
from jaxmlp.tf1.losses import l2_loss
from jaxmlp.tf1.rounding import fenced, over, root, times


class Limits(NamedTuple):
    """What a transformation remembers: its limits, float32 scalars. Others need no other compiled step."""

    limits: dict[str, Array]


def global_norm(t_list: Any) -> Array:
    """`tf.global_norm`: sqrt(2 * the sum of l2_loss) of all tensors, a scalar. ValueError if there are none."""
    tensors = jax.tree.leaves(t_list)
    if not tensors:
        raise ValueError("t_list has no tensors; it must have one or more")
    return root(2 * jnp.stack([l2_loss(tensor) for tensor in tensors]).sum())


def clip_by_global_norm(t_list: Any, clip_norm: Number, use_norm: Array | None = None) -> tuple[Any, Array]:
    """`tf.clip_by_global_norm`: each tensor * (clip_norm * min(1 / norm, 1 / clip_norm)), and the norm.

    Given TensorFlow's norm (`use_norm`), its bits. The factor below the limit, clip_norm * (1 / clip_norm), is not
    always 1: at 41 it is 0.99999994, and every gradient changes. A norm that is not finite makes all tensors NaN.
    ValueError unless clip_norm is above 0.
    """
    norm = global_norm(t_list) if use_norm is None else use_norm
    limit = above("clip_norm", clip_norm, 0).astype(norm.dtype)
    factor = times(limit, jnp.minimum(fenced(1 / norm), fenced(1 / limit)))
    scale = jnp.where(jnp.isfinite(norm), factor, norm - norm)  # NaN, unless it is finite
    return jax.tree.map(lambda t: times(t, scale.astype(t.dtype)), t_list), norm


def clip_by_norm(t: Array, clip_norm: Number, axes: int | Sequence[int] | None = None) -> Array:
    """`tf.clip_by_norm` of one tensor: t * clip_norm / max(norm, clip_norm), the norm over `axes`, or over all.

    A tensor below the limit changes in its last bits, too. TensorFlow sums the squares in another order.
    ValueError unless clip_norm is above 0.
    """
    limit = above("clip_norm", clip_norm, 0).astype(t.dtype)
    squares = times(t, t).sum(axis=None if axes is None else axes, keepdims=True)
    positive = squares > 0
    norm = jnp.where(positive, root(jnp.where(positive, squares, jnp.ones_like(squares))), squares)
    return over(times(t, limit), jnp.broadcast_to(jnp.maximum(norm, limit), t.shape))


def by_global_norm(clip_norm: Number) -> optax.GradientTransformation:
    """`clip_by_global_norm` of all gradients together. ValueError unless clip_norm is above 0."""
    return _clipping({"clip_norm": above("clip_norm", clip_norm, 0)}, _all_by_global_norm)


def by_norm(clip_norm: Number) -> optax.GradientTransformation:
    """`clip_by_norm` of each gradient. ValueError unless clip_norm is above 0."""
    return _clipping({"clip_norm": above("clip_norm", clip_norm, 0)}, _each_by_norm)


def by_value(clip_value_min: Number, clip_value_max: Number) -> optax.GradientTransformation:
    """`clip_by_value` of each gradient."""
    names = {"clip_value_min": clip_value_min, "clip_value_max": clip_value_max}
    return _clipping({name: number(name, value) for name, value in names.items()}, _each_by_value)


def _clipping(limits: dict[str, Array], update: Callable[..., tuple[Any, Limits]]) -> optax.GradientTransformation:
    return optax.GradientTransformation(lambda params: Limits(jax.tree.map(jnp.array, limits)), update)


def _all_by_global_norm(updates: Any, state: Limits, params: Any = None) -> tuple[Any, Limits]:
    return clip_by_global_norm(updates, **state.limits)[0], state


def _each_by_norm(updates: Any, state: Limits, params: Any = None) -> tuple[Any, Limits]:
    return jax.tree.map(lambda t: clip_by_norm(t, state.limits["clip_norm"]), updates), state


def _each_by_value(updates: Any, state: Limits, params: Any = None) -> tuple[Any, Limits]:
    limits = state.limits
    return jax.tree.map(lambda t: clip_by_value(t, **{k: v.astype(t.dtype) for k, v in limits.items()}), updates), state
