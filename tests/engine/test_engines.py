"""Every engine, whatever its layout and arithmetic, against the mathematics in float64."""

import dataclasses
from typing import get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmlp import model
from jaxmlp.config import Config, Layout, Pixels
from jaxmlp.data import Dataset, Split
from jaxmlp.engine import Dense, select
from jaxmlp.model import Params, Totals

HIDDEN = 24
LAYOUTS = [layout for layout in get_args(Layout) if layout != "auto"]
ARITHMETIC = [pixels for pixels in get_args(Pixels) if pixels != "auto"]


@pytest.fixture(params=LAYOUTS)
def engine(request, cpu):
    return select(Config(layout=request.param, pixels="float32", chunk=30), cpu)


@pytest.fixture(scope="module")
def digits(digits) -> Dataset:
    """300 of them: ten tiles, enough for more than one group."""
    return digits._replace(train=Split(digits.train.images[:300], digits.train.labels[:300]))


@pytest.fixture
def params(rng) -> Params:
    """Weights small enough that the softmax is no step function, biases that are not zero."""
    return Params(
        weights_1=rng.normal(0, 0.01, (784, HIDDEN)).astype(np.float32),
        biases_1=rng.normal(0, 0.1, HIDDEN).astype(np.float32),
        weights_2=rng.normal(0, 0.1, (HIDDEN, 10)).astype(np.float32),
        biases_2=rng.normal(0, 0.1, 10).astype(np.float32),
    )


def reference(params: Params, split: Split) -> tuple[float, int, Params, np.ndarray]:
    """Mean loss, correct count, gradient and logits in float64, the formula as a textbook has it."""
    w1, b1, w2, b2 = (np.asarray(p, np.float64) for p in params)
    x, n = split.images.astype(np.float64), len(split.labels)
    z = x @ w1 + b1
    h = np.maximum(z, 0)
    logits = h @ w2 + b2
    shifted = logits - logits.max(1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    loss = -np.log(p[np.arange(n), split.labels]).mean()
    d_logits = (p - np.eye(10)[split.labels]) / n
    dz = d_logits @ w2.T * (z > 0)
    grads = Params(x.T @ dz, dz.sum(0), h.T @ d_logits, d_logits.sum(0))
    return loss, int((logits.argmax(1) == split.labels).sum()), grads, logits


def assert_close(grads: Params, expected: Params) -> None:
    for name, ours, theirs in zip(Params._fields, grads, expected, strict=True):
        error, norm = np.linalg.norm(np.asarray(ours) - theirs), np.linalg.norm(theirs)
        assert error <= 1e-5 * norm, f"{name}: {error:.2e} of {norm:.2e}"


@pytest.mark.parametrize("count", [1, 71, 300])
@pytest.mark.parametrize("pixels", ARITHMETIC)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_loss_hits_gradient_and_logits_are_the_formulas(layout, pixels, params, digits, cpu, count):
    engine = select(Config(layout=layout, pixels=pixels, chunk=30), cpu)
    split = Split(digits.train.images[:count], digits.train.labels[:count])
    batch = engine.prepare(split, cpu)
    loss, correct, grads = jax.jit(engine.loss_and_grads)(params, batch)
    expected_loss, expected_correct, expected_grads, expected_logits = reference(params, split)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-6)
    assert correct == expected_correct
    assert_close(grads, expected_grads)
    logits = jax.jit(engine.logits)(params, batch)
    np.testing.assert_allclose(logits, expected_logits, atol=2e-6 * np.abs(expected_logits).max())
    assert batch.size == count


def test_evaluation_counts_what_training_counts(engine, params, digits, cpu):
    batch = engine.prepare(digits.train, cpu)
    loss, correct, _ = jax.jit(engine.loss_and_grads)(params, batch)
    totals = jax.jit(engine.totals)(params, batch)
    np.testing.assert_allclose(totals.loss / batch.size, loss, rtol=1e-6)
    assert totals.correct == correct


@pytest.mark.parametrize("ink", ["none", "full"])
def test_images_without_any_ink_or_without_any_blank_are_handled(engine, params, rng, cpu, ink):
    images = np.zeros((90, 784), np.uint8) if ink == "none" else rng.integers(1, 256, (90, 784)).astype(np.uint8)
    split = Split(images, rng.integers(0, 10, 90).astype(np.uint8))
    loss, _, grads = jax.jit(engine.loss_and_grads)(params, engine.prepare(split, cpu))
    expected_loss, _, expected_grads, _ = reference(params, split)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    assert_close(grads, expected_grads)


def test_relu_has_no_gradient_at_zero(engine, params, cpu):
    """A blank image and zero biases: z is exactly 0, where TensorFlow's ReLU passes nothing back."""
    params = params._replace(biases_1=np.zeros(HIDDEN, np.float32))
    split = Split(np.zeros((3, 784), np.uint8), np.zeros(3, np.uint8))
    _, _, grads = jax.jit(engine.loss_and_grads)(params, engine.prepare(split, cpu))
    assert not np.any(grads.biases_1)


def test_bytes_stay_bytes_on_the_device(engine, digits, cpu):
    batch = engine.prepare(digits.train, cpu)
    sizes = {leaf.dtype: 0 for leaf in jax.tree.leaves(batch)}
    for leaf in jax.tree.leaves(batch):
        sizes[leaf.dtype] += leaf.size
    images, ink = len(digits.train.labels), int((digits.train.images > 0).sum())
    assert ink + images <= sizes.pop(jnp.dtype("uint8")) <= images * (784 + 1)
    assert sum(sizes.values()) <= images + 2 * 9 * 784 + images, "only places, and an index an image, are wider"


def test_order_of_images_changes_no_sum(engine, params, digits, rng, cpu):
    order = rng.permutation(len(digits.train.labels))
    shuffled = Split(digits.train.images[order], digits.train.labels[order])
    one = jax.jit(engine.loss_and_grads)(params, engine.prepare(digits.train, cpu))
    other = jax.jit(engine.loss_and_grads)(params, engine.prepare(shuffled, cpu))
    assert one[1] == other[1]
    assert_close(one[2], other[2])


def test_number_of_classes_is_the_weights(engine, digits, rng, cpu):
    params = model.init(Config(hidden=HIDDEN), 47)
    split = Split(digits.train.images, rng.integers(0, 47, len(digits.train.labels)).astype(np.uint8))
    batch = engine.prepare(split, cpu)
    assert jax.jit(engine.loss_and_grads)(params, batch)[2].weights_2.shape == (HIDDEN, 47)
    assert jax.jit(engine.logits)(params, batch).shape == (300, 47)


def test_loss_head_can_be_handed_a_cotangent_an_image(engine, params, digits, rng, cpu):
    """What parity's T2b does: labels of any trailing shape are laid out with their images."""
    cotangents = rng.normal(size=(300, 10)).astype(np.float32)
    linear = dataclasses.replace(engine, head=lambda z, c: Totals((z * c).sum(), jnp.zeros((), jnp.int32)))
    batch = linear.prepare(Split(digits.train.images, cotangents), cpu)
    _, _, grads = jax.jit(linear.loss_and_grads)(params, batch)
    np.testing.assert_allclose(grads.biases_2, cotangents.mean(0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_float64_gradient_agrees_with_finite_differences(layout, params, digits, cpu):
    with jax.enable_x64(True):
        engine = select(Config(layout=layout, pixels="float32", chunk=30), cpu)
        split = Split(digits.train.images[:120], digits.train.labels[:120])
        batch = engine.prepare(split, cpu)
        point = jax.tree.map(lambda p: jnp.asarray(p, jnp.float64), params)
        loss = jax.jit(lambda p: engine.totals(p, batch).loss / 120)
        grads = jax.jit(engine.loss_and_grads)(point, batch)[2]
        direction = jax.tree.map(lambda p: jnp.asarray(np.random.default_rng(1).normal(size=p.shape)), point)
        step = 1e-7
        ahead = loss(jax.tree.map(lambda p, d: p + step * d, point, direction))
        behind = loss(jax.tree.map(lambda p, d: p - step * d, point, direction))
        slope = sum(jnp.vdot(g, d) for g, d in zip(grads, direction, strict=True))
        assert grads.weights_1.dtype == jnp.float64
        np.testing.assert_allclose((ahead - behind) / (2 * step), slope, rtol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_chunk_does_not_change_the_mathematics(layout, params, digits, cpu):
    results = []
    for chunk in (7, 37, 10_000):
        engine = select(Config(layout=layout, pixels="float32", chunk=chunk), cpu)
        results.append(jax.jit(engine.loss_and_grads)(params, engine.prepare(digits.train, cpu)))
    for loss, correct, grads in results[1:]:
        np.testing.assert_allclose(loss, results[0][0], rtol=1e-6)
        assert correct == results[0][1]
        assert_close(grads, results[0][2])


@pytest.mark.parametrize("pixels", ARITHMETIC)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_product_is_left_to_a_faster_and_coarser_default_of_the_device(layout, pixels, params, digits, cpu):
    """A GPU multiplies float32 in TF32, and a TPU in bfloat16, unless told otherwise; a CPU would not show it."""
    engine = select(Config(layout=layout, pixels=pixels, chunk=30), cpu)
    batch = engine.prepare(digits.train, cpu)
    for function in (engine.loss_and_grads, engine.totals, engine.logits):
        lowered = jax.jit(function).lower(params, batch).as_text()
        products = [line for line in lowered.splitlines() if "stablehlo.dot_general" in line]
        assert products
        left = [line for line in products if "[HIGHEST, HIGHEST]" not in line and line.count("xbf16>") < 2]
        assert not left, left[0]


def test_auto_is_settled_by_the_device_and_told(cpu):
    described = select(Config(), cpu).describe()
    assert described["pixels"] == "float32"
    assert described["layout"] in LAYOUTS
    assert isinstance(select(Config(layout="dense"), cpu), Dense)
