"""Every engine, whatever its layout and precision, against the mathematics in float64, at any depth."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmlp import model
from jaxmlp.data import Dataset, Split
from jaxmlp.engine import Dense, Staircase, select, settle
from jaxmlp.engine.base import apart, together, transpose_output
from jaxmlp.execution import LAYOUTS, PRECISIONS, Execution
from jaxmlp.model import Layer, Params
from jaxmlp.network import ORIGINAL, hits

CHUNK = 30


@pytest.fixture(params=LAYOUTS)
def engine(request, cpu):
    return select(Execution(request.param, "float32", CHUNK), cpu, 300)


@pytest.fixture(scope="module")
def digits(digits) -> Dataset:
    """300 of them: ten tiles, enough for more than one ink group."""
    return digits._replace(train=Split(digits.train.images[:300], digits.train.labels[:300]))


def drawn(rng, *widths: int, classes: int = 10) -> Params:
    """Weights small enough that the softmax is no step function, biases that are not zero."""
    shapes = list(itertools.pairwise((784, *widths, classes)))
    scales = [0.01, *[0.1] * len(widths)]

    def normal(scale: float, shape: tuple[int, ...]) -> np.ndarray:
        return rng.normal(0, scale, shape).astype(np.float32)

    return tuple(Layer(normal(s, shape), normal(0.1, shape[1:])) for s, shape in zip(scales, shapes, strict=True))


@pytest.fixture
def params(rng) -> Params:
    return drawn(rng, 24)


def reference(params: Params, split: Split) -> tuple[float, int, Params, np.ndarray]:
    """Summed loss, correct count, gradient and logits in float64, the formula as a textbook has it."""
    wide = [Layer(*(np.asarray(array, np.float64) for array in layer)) for layer in params]
    n, inputs = len(split.labels), [split.images.astype(np.float64)]
    for layer in wide[:-1]:
        inputs.append(np.maximum(inputs[-1] @ layer.weights + layer.biases, 0))
    logits = inputs[-1] @ wide[-1].weights + wide[-1].biases
    shifted = logits - logits.max(1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    back, grads = p - np.eye(logits.shape[1])[split.labels], []
    for layer, x in zip(reversed(wide), reversed(inputs), strict=True):
        grads.insert(0, Layer(x.T @ back, back.sum(0)))
        back = back @ layer.weights.T * (x > 0)
    loss = -np.log(p[np.arange(n), split.labels]).sum()
    return loss, int((logits.argmax(1) == split.labels).sum()), tuple(grads), logits


def sums(engine, params, batch, loss=ORIGINAL.loss, rows=None):
    return jax.jit(lambda p, r: engine.sum_grads(loss, p, batch, r))(params, rows)


def logits_of(engine, params, batch):
    return jax.jit(lambda p: engine.map_rows(lambda x, rest, *_: ORIGINAL.forward(x, rest).logits, p, batch))(params)


def assert_close(grads: Params, expected: Params, rtol: float = 1e-5) -> None:
    for name, ours in model.named(grads).items():
        theirs = model.named(expected)[name]
        error, norm = np.linalg.norm(np.asarray(ours) - theirs), np.linalg.norm(theirs)
        assert error <= rtol * norm, f"{name}: {error:.2e} of {norm:.2e}"


@pytest.mark.parametrize("count", [1, 71, 300])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_loss_hits_gradient_and_logits_are_the_formulas(layout, precision, params, digits, cpu, count):
    engine = select(Execution(layout, precision, CHUNK), cpu, 300)
    split = Split(digits.train.images[:count], digits.train.labels[:count])
    batch = engine.place(split, cpu)
    totals, grads = sums(engine, params, batch)
    expected_loss, expected_correct, expected_grads, expected_logits = reference(params, split)
    np.testing.assert_allclose(totals.loss, expected_loss, rtol=1e-6)
    assert totals.correct == expected_correct
    assert_close(grads, expected_grads)
    atol = 2e-6 * np.abs(expected_logits).max()
    np.testing.assert_allclose(logits_of(engine, params, batch), expected_logits, atol=atol)
    assert batch.size == count


@pytest.mark.parametrize("widths", [(), (24, 17), (9, 1, 8)])
def test_any_number_of_layers_is_the_formula_too(engine, digits, rng, cpu, widths):
    params = drawn(rng, *widths)
    totals, grads = sums(engine, params, engine.place(digits.train, cpu))
    expected_loss, _, expected_grads, _ = reference(params, digits.train)
    np.testing.assert_allclose(totals.loss, expected_loss, rtol=1e-6)
    assert_close(grads, expected_grads, 1e-4)  # through a layer of one unit, most of it may cancel


@pytest.mark.parametrize("ink", ["none", "full"])
def test_images_without_any_ink_or_without_any_blank_are_handled(engine, params, rng, cpu, ink):
    images = np.zeros((90, 784), np.uint8) if ink == "none" else rng.integers(1, 256, (90, 784)).astype(np.uint8)
    split = Split(images, rng.integers(0, 10, 90).astype(np.uint8))
    totals, grads = sums(engine, params, engine.place(split, cpu))
    expected_loss, _, expected_grads, _ = reference(params, split)
    np.testing.assert_allclose(totals.loss, expected_loss, rtol=1e-5)
    assert_close(grads, expected_grads)


def test_relu_has_no_gradient_at_zero(engine, params, cpu):
    """A blank image and zero biases: z is exactly 0, where TensorFlow's ReLU passes nothing back."""
    params = (params[0]._replace(biases=np.zeros(24, np.float32)), *params[1:])
    split = Split(np.zeros((3, 784), np.uint8), np.zeros(3, np.uint8))
    _, grads = sums(engine, params, engine.place(split, cpu))
    assert not np.any(grads[0].biases)


def test_bytes_stay_bytes_on_the_device(engine, digits, cpu):
    batch = engine.place(digits.train, cpu)
    sizes = {leaf.dtype: 0 for leaf in jax.tree.leaves(batch)}
    for leaf in jax.tree.leaves(batch):
        sizes[leaf.dtype] += leaf.size
    images, ink = len(digits.train.labels), int((digits.train.images > 0).sum())
    assert ink + images <= sizes.pop(jnp.dtype("uint8")) <= images * (784 + 1)
    assert sum(sizes.values()) <= images + 2 * 9 * 784 + images, "only places, and an index an image, are wider"


def test_order_of_images_changes_no_sum(engine, params, digits, rng, cpu):
    order = rng.permutation(len(digits.train.labels))
    shuffled = Split(digits.train.images[order], digits.train.labels[order])
    one = sums(engine, params, engine.place(digits.train, cpu))
    other = sums(engine, params, engine.place(shuffled, cpu))
    assert one[0].correct == other[0].correct
    assert_close(one[1], other[1])


def test_number_of_classes_is_the_weights(engine, digits, rng, cpu):
    params = drawn(rng, 24, classes=47)
    split = Split(digits.train.images, rng.integers(0, 47, len(digits.train.labels)).astype(np.uint8))
    batch = engine.place(split, cpu)
    assert sums(engine, params, batch)[1][-1].weights.shape == (24, 47)
    assert logits_of(engine, params, batch).shape == (300, 47)


@pytest.mark.parametrize("count", [71, 300])
def test_rows_go_along_with_their_images(engine, params, digits, rng, cpu, count):
    """Masks of a dropout, say, or a derivative by the logits an image, as parity's T2b hands over."""
    split = Split(digits.train.images[:count], digits.train.labels[:count])
    mask = (rng.random((count, 24)) < 0.5).astype(np.float32)

    def masked(inputs, rest, labels, rows):
        hidden = jax.nn.relu(inputs + rest[0].biases) * rows
        return ORIGINAL.totals(jnp.matmul(hidden, rest[1].weights, precision="highest") + rest[1].biases, labels)

    def of_image(weights, rest, image, label, row):
        return masked((image.astype(jnp.float32) @ weights)[None], rest, label[None], row[None]).loss

    _, grads = sums(engine, params, engine.place(split, cpu), masked, mask)
    first, rest = apart(params)
    each = jax.vmap(jax.grad(of_image, (0, 1)), (None, None, 0, 0, 0))(first, rest, *map(jnp.asarray, (*split, mask)))
    assert_close(grads, together(*jax.tree.map(lambda grad: grad.sum(0), each)))


def test_rows_come_back_in_the_order_the_images_came(engine, params, digits, rng, cpu):
    numbers = {"own": rng.permutation(300).astype(np.int32)}
    batch = engine.place(digits.train, cpu)

    def told(inputs, rest, labels, rows):
        return {"labels": labels, "numbers": rows["own"], "inputs": inputs}

    got = jax.jit(lambda p, r: engine.map_rows(told, p, batch, r))(params, numbers)
    np.testing.assert_array_equal(got["labels"], digits.train.labels)
    np.testing.assert_array_equal(got["numbers"], numbers["own"])
    product = digits.train.images.astype(np.float64) @ params[0].weights
    np.testing.assert_allclose(got["inputs"], product, atol=2e-6 * np.abs(product).max())


def test_parameters_come_apart_and_together_again(params):
    for some in (params, params[1:]):
        first, rest = apart(some)
        assert rest[0].weights is None
        jax.tree.map(np.testing.assert_array_equal, together(first, rest), some)
        jax.tree.map(np.testing.assert_array_equal, transpose_output(transpose_output(rest)), rest)


@pytest.mark.parametrize("widths", [(24,), (8, 7)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_float64_gradient_agrees_with_finite_differences(layout, widths, digits, rng, cpu):
    with jax.enable_x64(True):
        engine = select(Execution(layout, "float32", CHUNK), cpu, 120)
        batch = engine.place(Split(digits.train.images[:120], digits.train.labels[:120]), cpu)
        point = jax.tree.map(lambda p: jnp.asarray(p, jnp.float64), drawn(rng, *widths))
        gradients = jax.jit(lambda p: engine.sum_grads(ORIGINAL.loss, p, batch))
        grads = gradients(point)[1]
        direction = jax.tree.map(lambda p: jnp.asarray(np.random.default_rng(1).normal(size=p.shape)), point)
        step = 1e-7
        ahead = gradients(jax.tree.map(lambda p, d: p + step * d, point, direction))[0].loss
        behind = gradients(jax.tree.map(lambda p, d: p - step * d, point, direction))[0].loss
        slope = sum(map(jnp.vdot, jax.tree.leaves(grads), jax.tree.leaves(direction)))
        assert grads[0].weights.dtype == jnp.float64
        np.testing.assert_allclose((ahead - behind) / (2 * step), slope, rtol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_chunk_does_not_change_the_mathematics(layout, params, digits, cpu):
    results = []
    for chunk in (7, 37, 10_000):
        engine = select(Execution(layout, "float32", chunk), cpu, 300)
        results.append(sums(engine, params, engine.place(digits.train, cpu)))
    for totals, grads in results[1:]:
        np.testing.assert_allclose(totals.loss, results[0][0].loss, rtol=1e-6)
        assert totals.correct == results[0][0].correct
        assert_close(grads, results[0][1])


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_product_is_left_to_a_faster_and_coarser_default_of_the_device(layout, precision, digits, rng, cpu):
    """A GPU multiplies float32 in TF32, and a TPU in bfloat16, unless told otherwise; a CPU would not show it."""
    engine = select(Execution(layout, precision, CHUNK), cpu, 300)
    batch, params = engine.place(digits.train, cpu), drawn(rng, 24, 12)

    def right(inputs, rest, labels, rows):
        return hits(ORIGINAL.forward(inputs, rest).logits, labels)

    for function in (lambda p: engine.sum_grads(ORIGINAL.loss, p, batch), lambda p: engine.map_rows(right, p, batch)):
        lowered = jax.jit(function).lower(params).as_text()
        products = [line for line in lowered.splitlines() if "stablehlo.dot_general" in line]
        assert products
        left = [line for line in products if "[HIGHEST, HIGHEST]" not in line and line.count("xbf16>") < 2]
        assert not left, left[0]


def test_what_is_left_open_is_settled_by_the_device(cpu):
    settled = settle(Execution(), cpu, 60_000)
    assert settled == Execution("staircase", "float32", settled.chunk)
    assert isinstance(settled.chunk, int)
    assert settle(settled, cpu, 60_000) == settled
    assert settle(Execution(chunk=7), cpu, 60_000).chunk == 7


@pytest.mark.parametrize(("images", "layout"), [(1, "dense"), (249, "dense"), (250, "staircase"), (10**6, "staircase")])
def test_the_staircase_is_taken_for_as_many_images_as_earn_it_back_unless_one_is_asked_for(cpu, images, layout):
    assert settle(Execution(), cpu, images).layout == layout
    assert isinstance(select(Execution(), cpu, images), Dense) == (layout == "dense")
    for asked in LAYOUTS:
        assert settle(Execution(asked), cpu, images).layout == asked


def test_engines_of_one_execution_are_equal_so_that_they_share_a_compiled_program(cpu):
    for layout, kind in (("dense", Dense), ("staircase", Staircase)):
        one, other = (select(Execution(layout), cpu, 300) for _ in range(2))
        assert isinstance(one, kind)
        assert hash(one) == hash(other)
        assert one == other
