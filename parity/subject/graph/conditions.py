"""tf.cond, as TensorFlow 1.x writes it: a Switch at each way in, a Merge at each way out.

Where the predicate is known one branch is dead. Where it is traced data both live, and a Merge chooses between them;
both must be pure then. A branch may still be dead there because nothing was drawn for it: if the predicate leads into
it all the same, the result is NaN.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from parity.errors import CannotCompare
from parity.subject.graph.values import Dead, Value, known


def switch(data: Value, predicate: Value) -> tuple[Value, Value]:
    """Its two outputs: of the branch where the predicate is False, and where it is True."""
    if not known(predicate):
        return data, data
    taken = bool(np.asarray(predicate))
    dead = Dead(f"the predicate is {taken}, which leads into the other branch")
    return (dead, data) if taken else (data, dead)


def merge(predicate: Value, branches: tuple[Value, ...]) -> tuple[Value, Any]:
    """The one that is taken, and its number."""
    if isinstance(predicate, Dead):
        return predicate, predicate
    if len(branches) != 2:
        raise CannotCompare(f"it has {len(branches)} branches; a tf.cond has two")
    if known(predicate):
        taken = int(np.asarray(predicate))
        return branches[taken], np.int32(taken)
    if all(isinstance(one, Dead) for one in branches):
        return branches[0], branches[0]
    return chosen(predicate, *branches), jnp.asarray(predicate).astype(jnp.int32)


def chosen(predicate: Value, if_false: Value, if_true: Value) -> Value:
    """By traced data; NaN where that leads into a dead branch."""
    if isinstance(if_false, Dead):
        return jnp.where(predicate, if_true, _undefined(if_true))
    if isinstance(if_true, Dead):
        return jnp.where(predicate, _undefined(if_false), if_false)
    if jnp.shape(if_false) != jnp.shape(if_true):
        raise CannotCompare("its branches differ in shape; their predicate must be known before jax.jit")
    return jnp.where(predicate, if_true, if_false)


def _undefined(like: Value) -> Value:
    array = jnp.asarray(like)
    return jnp.full_like(array, jnp.nan) if jnp.issubdtype(array.dtype, jnp.inexact) else array
