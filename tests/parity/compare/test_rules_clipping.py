"""The clipping rules hold genuine TensorFlow 1.15.5, ours and NumPy at any size; a wrong norm or limit is over them."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from formulas import floats

from jaxmlp.tf1 import clipping
from parity.compare.rules import clip_of, rule_of
from parity.errors import CannotCompare

VECTORS = json.loads((Path(__file__).parents[2] / "tf1" / "tf115_family_vectors.json").read_text())["clipping"]
INPUTS = {str(i): floats(one["hex"]).reshape(one["shape"]) for i, one in enumerate(VECTORS["inputs"])}
LIMITS = [float(limit) for limit in VECTORS["by_value"]]


def clip(kind, limit):
    """The rule of one kind of clipping."""
    named = {"clip_value_min": -limit, "clip_value_max": limit} if kind == "value" else {"clip_norm": limit}
    return clip_of({"clipping": {"kind": kind, **named}})


def worst(right, got):
    assert set(right) == set(got)
    return max(one.ratio(np.asarray(got[name]).reshape(one.value.shape)) for name, one in right.items())


def ours(kind, grads, limit):
    if kind == "global_norm":
        return clipping.clip_by_global_norm(grads, limit)[0]
    if kind == "norm":
        return {name: clipping.clip_by_norm(grad, limit) for name, grad in grads.items()}
    return {name: clipping.clip_by_value(grad, -limit, limit) for name, grad in grads.items()}


def textbook(kind, grads, limit):
    """In NumPy's float32."""
    limit = np.float32(limit)
    norms = {name: np.sqrt(np.square(grad).sum()) for name, grad in grads.items()}
    total = np.sqrt(sum(np.square(norm) for norm in norms.values()))
    if kind == "global_norm":
        return {name: grad * (limit / max(total, limit)) for name, grad in grads.items()}
    if kind == "norm":
        return {name: grad * (limit / max(norms[name], limit)) for name, grad in grads.items()}
    return {name: np.clip(grad, -limit, limit) for name, grad in grads.items()}


every_kind = pytest.mark.parametrize("kind", ["global_norm", "norm", "value"])


@every_kind
@pytest.mark.parametrize("limit", LIMITS)
def test_genuine_tensorflow_holds(kind, limit):
    told = VECTORS[f"by_{kind}"][str(limit)]
    clipped = told["clipped"] if kind == "global_norm" else told
    assert worst(clip(kind, limit)(INPUTS), {str(i): floats(one) for i, one in enumerate(clipped)}) <= 1


@every_kind
@pytest.mark.parametrize("alike", [False, True])
def test_ours_and_numpys_hold_at_any_size_and_magnitude(kind, alike, rng):
    """Also of numbers that are all alike, which round a sum the same way again and again."""
    for shapes in ([(7,)], [(784, 300), (300,), (300, 10), (10,)], [(1_000_000,)]):
        scale = 10 ** rng.uniform(-8, 8)
        draw = [np.full(s, rng.uniform(0.5, 1)) if alike else rng.normal(size=s) for s in shapes]
        grads = {f"weights_{i}": (scale * one).astype(np.float32) for i, one in enumerate(draw)}
        norm = float(np.sqrt(sum(np.square(grad.astype(np.float64)).sum() for grad in grads.values())))
        compiled = jax.jit(ours, static_argnums=0)
        for limit in (norm * rng.uniform(0.1, 1), norm * 2):
            right = clip(kind, limit)(grads)
            assert worst(right, textbook(kind, grads, limit)) <= 1
            assert worst(right, compiled(kind, {n: jnp.asarray(grad) for n, grad in grads.items()}, limit)) <= 1


def test_a_sum_in_tensorflows_order_holds_of_numbers_that_are_alike(rng):
    """Eight rows of 1,024, then pairs: each row's roundings all go one way."""
    found = []
    for _ in range(9):
        grad = np.full(64 * 8 * 1024, rng.uniform(0.5, 1), np.float32)
        rows = np.add.accumulate(np.square(grad).reshape(64, 1024, 8), axis=1)[:, -1]
        norm = np.sqrt(rows.reshape(-1).sum())
        clipped = {"w": grad * (np.float32(1) / norm)}
        found.append(worst(clip("global_norm", 1.0)({"w": grad}), clipped))
    assert max(found) <= 1
    assert max(found) > 1 / 50  # the roundings are there


def test_squares_that_are_flushed_to_zero_leave_open_whether_anything_is_clipped():
    grads = {"w": np.full(100_000, 5e-20, np.float32)}
    for kind in ("global_norm", "norm"):
        for got in (grads["w"], grads["w"] / 16):
            assert worst(clip(kind, 1e-18)(grads), {"w": got}) <= 1


@every_kind
def test_zeros_stay_zeros_and_nothing_else_is_right(kind):
    grads = {"a": np.zeros(3, np.float32), "b": np.zeros((2, 2), np.float32)}
    right = clip(kind, 1.0)(grads)
    assert worst(right, grads) == 0
    assert worst(right, {**grads, "a": np.float32([0, 1e-9, 0])}) == np.inf


def test_a_mistake_is_ten_times_over_the_bound(rng):
    grads = {name: rng.normal(size=s).astype(np.float32) for name, s in (("w", (300, 100)), ("b", (100,)))}
    norm = textbook("global_norm", {"all": np.concatenate([one.ravel() for one in grads.values()])}, 1e9)["all"]
    limit = 0.7 * float(np.linalg.norm(norm))
    wrong = {
        ("global_norm", "each by its own"): textbook("norm", grads, limit),
        ("global_norm", "not at all"): grads,
        ("global_norm", "another limit"): textbook("global_norm", grads, 1.001 * limit),
        ("global_norm", "the norm of l2_loss"): textbook("global_norm", grads, limit * np.sqrt(2)),
        ("norm", "all together"): textbook("global_norm", grads, limit / 20),
        ("value", "another limit"): textbook("value", grads, 0.7000001),
    }
    limits = {"global_norm": limit, "norm": limit / 20, "value": 0.7}
    for (kind, mistake), got in wrong.items():
        assert worst(clip(kind, limits[kind])(grads), got) >= 10, mistake


@pytest.mark.parametrize("clipping", [{}, {"clipping": None}])
def test_a_program_that_does_not_clip_has_no_rule_of_it(clipping):
    assert clip_of(clipping) is None
    assert rule_of({"optimizer": {"learning_rate": 0.1}, **clipping}).clip is None


@pytest.mark.parametrize(
    "given", [{"kind": "norms", "clip_norm": 1}, {"clip_norm": 1}, {"kind": "norm"}, {"kind": "value", "clip_norm": 1}]
)
def test_a_clipping_without_a_rule_is_refused(given):
    with pytest.raises(CannotCompare, match="rules are known for global_norm with clip_norm, norm with clip_norm, val"):
        clip_of({"clipping": given})
