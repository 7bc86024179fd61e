"""How far honest float32 may carry one step of somebody's program: sampled through its graph, kept in the recording.

As `sampled.py` does for the product's own programs, here for whatever a graph computes: loss, logits, gradients, and
what is computed beside the updates, as moving averages are. A unit near a kink falls on either side of it by chance,
and all that are near are turned at once besides (`kinks.py`).
"""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jax.interpreters import partial_eval

from parity.compare.limits import TINY
from parity.compare.recorded.limits import Spread, StepLimits
from parity.compare.recorded.recording import Program, starts
from parity.compare.tensor import Named
from parity.compare.trace import StepTrace
from parity.noise.kinks import Kinks
from parity.noise.monte_carlo import Arithmetic
from parity.noise.orders import with_orders
from parity.noise.sampled import ALLOWED
from parity.subject.graph.orders import Orders
from parity.subject.graph.step import GraphStep

SAMPLES = 8


def limits(step: GraphStep, program: Program, seed: int = 0) -> dict[int, StepLimits]:
    """Of every recorded step, with the orders in which a racing one may be taken.

    Raises NotImplementedError for what Monte Carlo arithmetic cannot evaluate.
    """
    sampled = {number: _limits(step, program, one, seed) for number, one in program.trace.steps.items()}
    return with_orders(Orders(step, program.fields["arriving"]), program, sampled)


def _limits(step: GraphStep, program: Program, one: StepTrace, seed: int) -> StepLimits:
    function, arguments = _traceable(step, program, one)
    with jax.transfer_guard("allow"):
        closed, shape = jax.make_jaxpr(function, return_shape=True)(arguments)
        keys, leaves = list(shape), jax.tree.leaves(arguments)
        kinks = Kinks()
        exact = _values(Arithmetic(None, kinks.exact), closed, leaves, keys)
        rngs = [np.random.default_rng([seed, i]) for i in range(SAMPLES)]
        samples = [_values(Arithmetic(rng, kinks.sampled()), closed, leaves, keys) for rng in rngs]
        near = kinks.number
        turned = _values(Arithmetic(None, kinks.turned()), closed, leaves, keys) if near else exact
    floats = [key for key in keys if exact[key].dtype.kind == "f"]
    spreads = {key: _spread(key, exact[key], [one[key] for one in samples], turned[key]) for key in floats}
    return StepLimits(spreads, near)


def _traceable(step: GraphStep, program: Program, one: StepTrace) -> tuple[Any, dict[str, Named]]:
    """A function of the floating arrays of a start, to what is to be sampled by "role/name"; and those arrays.

    Whole numbers and flags stay constants: shapes and branches may depend on them.
    """
    given = starts(one)
    arguments = {role: {n: a for n, a in named.items() if _varies(a, role)} for role, named in given.items()}
    logits = program.trace.header.get("logits")
    beside = _beside(program, one)

    def function(varied: Mapping[str, Any]) -> dict[str, Any]:
        full = {role: {**given[role], **varied[role]} for role in given}
        forward = step.forward(*full.values(), wanted=(logits,) if logits else ())
        found = {"loss/loss": forward.loss, **{f"grads/{name}": grad for name, grad in forward.grads.items()}}
        if logits:
            found["logits/logits"] = forward.seen[logits]
        if beside:
            made = step(*full.values())
            found |= {key: made[key.partition("/")[0]][key.partition("/")[2]] for key in beside}
        return found

    return function, arguments


def _varies(array: np.ndarray, role: str) -> bool:
    return array.dtype == np.float32 and (array.ndim > 0 or role in ("weights", "slots"))


def _beside(program: Program, one: StepTrace) -> list[str]:
    """Variables that no rule speaks of, and that the step trains or changes."""
    ruled = set()
    for applied in program.updates:
        if applied.kind and program.update_of(applied.variable):
            ruled |= {f"weights/{applied.variable}", *(f"slots/{slot}" for slot in applied.slots)}
    changed = (key for key in one.got if key in one.start and key.partition("/")[0] in ("weights", "slots"))
    return [
        key
        for key in changed
        if key not in ruled
        and one.got[key].array.dtype == np.float32
        and (key.startswith("weights/") or not np.array_equal(one.got[key].array, one.start[key].array))
    ]


def _values(arithmetic: Arithmetic, closed: Any, leaves: list[Any], keys: list[str]) -> Named:
    """Of what is asked for alone: what a trace computes besides is left out."""
    jaxpr, _ = partial_eval.dce_jaxpr(closed.jaxpr, [True] * len(keys), instantiate=True)
    values = arithmetic.run(closed.replace(jaxpr=jaxpr), leaves)
    return dict(zip(sorted(keys), values, strict=True))


def _spread(key: str, exact: np.ndarray, samples: list[np.ndarray], turned: np.ndarray) -> Spread:
    """What the samples differ by, and on top what the turned kinks move."""
    apart = np.max([np.abs(one - exact) for one in samples], axis=0) * ALLOWED + np.abs(turned - exact)
    if key == "logits/logits":
        norm = float(apart.max(initial=0))
    else:
        norm = ALLOWED * max(float(np.linalg.norm(one - exact)) for one in samples)
        norm += float(np.linalg.norm(turned - exact))
    return Spread.of(np.asarray(apart), exact, norm if norm > TINY else 0.0)
