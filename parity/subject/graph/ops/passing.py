"""Ops that hand on what they get, but for its gradient, its dtype, or a side effect that is not a variable's."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from parity.subject.graph.values import Op, Value, constant, dtype, plain


def _first(_: Mapping[str, Any], x: Value, *__: Value) -> Value:
    return x


def _cast(attributes: Mapping[str, Any], x: Value) -> Value:
    """Of a float that becomes whole, cut off."""
    made = dtype(attributes["DstT"])
    return np.asarray(x).astype(made) if constant(x) else x.astype(made)


def _bitcast(attributes: Mapping[str, Any], x: Value) -> Value:
    return jax.lax.bitcast_convert_type(jnp.asarray(x), dtype(attributes["type"]))


TABLE: dict[str, Op] = {
    **dict.fromkeys(("Identity", "Snapshot", "DeepCopy", "ReadVariableOp", "EnsureShape", "CheckNumerics"), _first),
    **dict.fromkeys(("Print", "PlaceholderWithDefault", "GuaranteeConst", "DebugGradientIdentity", "LoopCond"), _first),
    "IdentityN": lambda _, *inputs: tuple(inputs),
    "StopGradient": plain(jax.lax.stop_gradient),
    "PreventGradient": plain(jax.lax.stop_gradient),
    "Cast": _cast,
    "Bitcast": _bitcast,
    **dict.fromkeys(("NoOp", "Assert", "PrintV2", "ControlTrigger"), lambda _, *__: ()),
    **dict.fromkeys(("VarIsInitializedOp", "IsVariableInitialized"), lambda _, *__: np.bool_(True)),
}
