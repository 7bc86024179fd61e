"""Primitives that move numbers about, or sum products of them, evaluated by JAX itself, in float64 on the CPU.

They have no place among NumPy's functions: a gather, a scatter, a convolution. Beside each sum stands how many terms it
has and the sum of their squares, which the same primitive tells of the terms' own zeros and squares.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Numbers = np.ndarray

MOVING = {"gather", "scatter", "sort", "top_k", "split", "unstack", "dynamic_slice", "dynamic_update_slice", "argmin"}
BILINEAR = {"conv_general_dilated", "dot_general"}
ADDING = {"scatter-add", "scatter_add", "scatter-sub", "scatter_sub", "cumsum", "reduce_window_sum"}
# Called by what their rule of adding makes of the wide numbers, not by the traced one of float32.
SCATTERS = {
    "scatter": jax.lax.scatter,
    **dict.fromkeys(("scatter-add", "scatter_add"), jax.lax.scatter_add),
    **dict.fromkeys(("scatter-sub", "scatter_sub"), jax.lax.scatter_sub),
}
SCATTERED = ("dimension_numbers", "indices_are_sorted", "unique_indices", "mode")
KNOWN = MOVING | BILINEAR | ADDING | {"cumprod", "reduce_prod"}


def results(primitive: Any, operands: list[Numbers], params: dict[str, Any]) -> list[Numbers]:
    """Exact ones, of a primitive in `KNOWN`."""
    wide = {name: None if name == "preferred_element_type" else value for name, value in params.items()}
    with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
        arrays = map(jnp.asarray, operands)
        if primitive.name in SCATTERS:
            scatter: Any = SCATTERS[primitive.name]
            return [np.asarray(scatter(*arrays, **{name: wide[name] for name in SCATTERED}))]
        found = primitive.bind(*arrays, **wide)
        return [np.asarray(one) for one in (found if primitive.multiple_results else [found])]


def terms(primitive: Any, operands: list[Numbers], params: dict[str, Any]) -> tuple[Numbers, Numbers] | None:
    """Of a sum, how many terms it has, zeros not counted, and the sum of their squares; None of no sum."""
    name = primitive.name
    if name not in BILINEAR | ADDING:
        return None
    summed = [i for i, one in enumerate(operands) if one.dtype == np.float64]

    def of(function: Any) -> Numbers:
        changed = [function(one) if i in summed else one for i, one in enumerate(operands)]
        return results(primitive, changed, params)[0]

    return np.rint(of(lambda x: (x != 0).astype(np.float64))), of(np.square)
