"""From a gradient to the next weights: penalty, clipping, optimizer, in TensorFlow's order, and numbers as data."""

import dataclasses
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import any_program, of_kind

from jaxmlp import program as parts
from jaxmlp.errors import ConfigError
from jaxmlp.method import method_of, require_rates, slots_of
from jaxmlp.model import Layer
from jaxmlp.program import (
    L2,
    AdagradDA,
    Adam,
    ClipByGlobalNorm,
    ClipByNorm,
    ClipByValue,
    CosineDecay,
    Ftrl,
    GradientDescent,
    Program,
    ProximalAdagrad,
    ProximalGradientDescent,
)
from jaxmlp.tf1 import clipping, optimizers


@pytest.fixture
def params(rng):
    return tuple(Layer(_normal(rng, shape), _normal(rng, shape[1:])) for shape in ((6, 5), (5, 3)))


@pytest.fixture
def grads(rng, params):
    return jax.tree.map(lambda array: _normal(rng, array.shape), params)


def _normal(rng, shape):
    return jnp.asarray(rng.normal(size=shape), jnp.float32)


@pytest.mark.parametrize("biases", [False, True])
def test_a_penalty_adds_its_own_gradient_and_loss(params, grads, biases):
    program = Program(l2=L2(0.3, biases))
    method, slots = method_of(program), slots_of(program, params)
    own = jax.grad(lambda p: method.penalty(p, slots))(params)
    added = method.regularized(grads, slots, params)
    jax.tree.map(lambda a, g, o: np.testing.assert_allclose(a, g + o, rtol=1e-6, atol=1e-7), added, grads, own)
    squares = sum(float((layer.weights**2).sum()) + biases * float((layer.biases**2).sum()) for layer in params)
    np.testing.assert_allclose(method.penalty(params, slots), 0.3 * squares / 2, rtol=1e-5)
    assert bool(jnp.any(own[0].biases)) == biases


def test_a_penalty_passes_over_biases_that_are_not_there(params, grads):
    program = Program(l2=L2(0.3, biases=True))
    without = tuple(layer._replace(biases=None) for layer in params)
    added = method_of(program).regularized(
        tuple(g._replace(biases=None) for g in grads), slots_of(program, without), without
    )
    np.testing.assert_allclose(added[0].weights, grads[0].weights + np.float32(0.3) * params[0].weights, rtol=1e-6)
    assert added[0].biases is None


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (ClipByGlobalNorm(0.5), lambda grads: clipping.clip_by_global_norm(grads, 0.5)[0]),
        (ClipByNorm(0.5), lambda grads: jax.tree.map(lambda g: clipping.clip_by_norm(g, 0.5), grads)),
        (ClipByValue(-0.1, 0.2), lambda grads: jax.tree.map(lambda g: jnp.clip(g, -0.1, 0.2), grads)),
    ],
)
def test_the_optimizer_gets_what_clipping_leaves_of_gradient_and_penalty(params, grads, by, expected):
    program = Program(clipping=by, l2=L2(0.2), optimizer=Adam(0.01))
    method, slots = method_of(program), slots_of(program, params)
    cut = expected(method.regularized(grads, slots, params))
    adam = optimizers.adam(0.01)
    right, _ = adam.apply_gradients(cut, adam.init(params), params)
    weights, after = method(grads, slots, params)
    jax.tree.map(lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-6), weights, right)
    assert int(after.optimizer.step) == 1


def test_a_method_has_no_numbers_and_its_slots_have_them(rng, params, grads):
    for _ in range(20):
        one = any_program(rng, optimizer=Adam(0.1), l2=L2(0.1), clipping=ClipByNorm(2.0))
        other = dataclasses.replace(one, optimizer=Adam(0.2, 0.8, 0.99, 1e-5), l2=L2(0.4), clipping=ClipByNorm(0.1))
        assert method_of(one) == method_of(other)
        assert hash(method_of(one)) == hash(method_of(other))
    (first, _), (second, _) = (method_of(p)(grads, slots_of(p, params), params) for p in (one, other))
    assert np.abs(first[0].weights - second[0].weights).max() > 1e-3


@pytest.mark.parametrize("kind", get_args(parts.Optimizer), ids=lambda kind: kind.kind)
def test_every_optimizer_gets_every_argument(rng, params, grads, kind):
    """Each number of the dataclass changes what two steps make of the weights; so none is dropped on the way."""
    base = of_kind(rng, kind)
    if isinstance(base.learning_rate, float):
        base = dataclasses.replace(base, learning_rate=0.05)
    for field in dataclasses.fields(kind):
        value = getattr(base, field.name)
        if field.name == "learning_rate":
            continue
        changed = dataclasses.replace(
            base, **{field.name: not value if isinstance(value, bool) else value + _change(field.name)}
        )
        assert not np.array_equal(*(_two_steps(Program(optimizer=one), grads, params) for one in (base, changed))), (
            field.name
        )


def _change(name: str) -> float:
    return {
        "learning_rate_power": -0.1,
        "beta1": -0.1,
        "beta2": -0.1,
        "rho": -0.1,
        "decay": -0.1,
        "momentum": -0.2,
    }.get(name, 0.05)


def _two_steps(program, grads, params):
    method, slots = method_of(program), slots_of(program, params)
    for _ in range(2):
        params, slots = method(grads, slots, params)
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(params)])


def test_plain_descent_without_a_schedule_is_the_originals(params, grads):
    assert method_of(Program()) == method_of(Program(optimizer=GradientDescent(0.5)))
    weights, _ = method_of(Program())(grads, slots_of(Program(), params), params)
    jax.tree.map(lambda w, p, g: np.testing.assert_allclose(w, p - 1e-4 * g, rtol=1e-6), weights, params, grads)


@pytest.mark.parametrize("optimizer", [Ftrl, ProximalAdagrad])
def test_a_schedule_that_ends_at_0_is_refused_where_tensorflow_would_stop(rng, optimizer):
    zero_at = int(rng.integers(2, 50))
    made = optimizer(CosineDecay(0.1, zero_at))
    require_rates(made, zero_at)
    with pytest.raises(ConfigError, match=f"comes to a rate of .* at step {zero_at}, .*{made.kind} stops"):
        require_rates(made, zero_at + 1)


def test_a_rate_of_0_is_no_mistake_where_tensorflow_takes_it():
    for optimizer in (AdagradDA, Adam, ProximalGradientDescent):
        require_rates(optimizer(CosineDecay(0.1, 2)), 5)
