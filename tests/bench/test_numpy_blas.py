"""NumPy's gradient, written out by hand, against JAX's: for any number of layers, with and without activations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bench.peers.numpy_blas import Network

WIDTHS = {1: (9, 5, 3), 3: (9, 8, 7, 6, 4)}  # by hidden layers
ACTIVATIONS = {"relu": jax.nn.relu, "identity": lambda inputs: inputs}


@pytest.fixture
def params(rng, request):
    pairs = zip(WIDTHS[request.param], WIDTHS[request.param][1:], strict=False)
    layers = [(rng.normal(size=shape), rng.normal(size=shape[1])) for shape in pairs]
    return [array.astype(np.float32) for layer in layers for array in layer]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("params", WIDTHS, indirect=True)
def test_loss_count_and_gradient_are_those_of_jax(params, activation, rng):
    images, labels = rng.normal(size=(20, 9)).astype(np.float32), rng.integers(3, size=20)

    def of_jax(params):
        hidden = images
        for weights, biases in zip(params[:-2:2], params[1:-2:2], strict=True):
            hidden = ACTIVATIONS[activation](jnp.matmul(hidden, weights, precision="highest") + biases)
        logits = jnp.matmul(hidden, params[-2], precision="highest") + params[-1]
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean(), logits

    (right_loss, logits), right = jax.value_and_grad(of_jax, has_aux=True)(params)
    loss, correct, grads = Network(params, 20, activation).loss_and_grads(images, labels)
    assert loss == pytest.approx(float(right_loss), rel=1e-5)
    assert correct == int((np.argmax(logits, axis=1) == labels).sum())
    for grad, one in zip(grads, right, strict=True):
        # What float32 loses is of the terms that are added up, not of what is left of them.
        np.testing.assert_allclose(grad, one, rtol=1e-4, atol=2e-6 * max(1, np.abs(one).max()))


@pytest.mark.parametrize("params", [1], indirect=True)
def test_without_an_activation_units_below_0_pass_their_gradient_on(params):
    params[1] -= 1000  # far below 0 in all units
    images, labels = np.ones((2, 9), np.float32), np.array([0, 1])
    (*_, masked), (*_, passed) = (Network(params, 2, name).loss_and_grads(images, labels) for name in ACTIVATIONS)
    assert not masked[0].any()
    assert passed[0].all()
