"""Every engine, whatever its layout and precision, against the mathematics in float64, at any depth."""

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmlp import model
from jaxmlp.data import Dataset, Split
from jaxmlp.engine import Dense, Screening, Staircase, select, settle
from jaxmlp.engine.base import apart, together, transpose_output
from jaxmlp.engine.lengths import DIRECTIONS
from jaxmlp.execution import LAYOUTS, PRECISIONS, Execution
from jaxmlp.model import Layer, Params
from jaxmlp.network import ORIGINAL, hits

CHUNK = 30
CLEAR = 1e-6  # of the magnitudes summed, twenty times what float32 rounds off them


ENGINES = (*LAYOUTS, "screened")  # the last one, without bounds, computes all


def executed(engine: str, precision: str, chunk: int) -> Execution:
    return (
        Execution("staircase", precision, chunk, "on") if engine == "screened" else Execution(engine, precision, chunk)
    )


@pytest.fixture(params=ENGINES)
def engine(request, cpu):
    return select(executed(request.param, "float32", CHUNK), cpu, 300)


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


def clear(rng, split: Split, *widths: int) -> Params:
    """Drawn until no unit is at its kink and no image between two classes: float32 may honestly go either way there."""
    while reference(params := drawn(rng, *widths), split).clearance < CLEAR:
        pass
    return params


@pytest.fixture
def params(rng, digits) -> Params:
    return clear(rng, digits.train, 24)


class Expected(NamedTuple):
    """Of the summed loss, in float64."""

    loss: float
    correct: int
    grads: Params
    magnitudes: Params  # what the gradient's elements add up to where nothing cancels
    logits: np.ndarray
    clearance: float  # least distance of a unit's input from zero and of the best logit from the next, see CLEAR


def reference(params: Params, split: Split) -> Expected:
    """The formula as a textbook has it."""
    layers = [Layer(*(np.asarray(array, np.float64) for array in layer)) for layer in params]
    fed, sizes, distances = [split.images.astype(np.float64)], [split.images.astype(np.float64)], []
    for weights, biases in layers:
        z, size = fed[-1] @ weights + biases, sizes[-1] @ np.abs(weights) + np.abs(biases)
        distances.append((np.abs(z) / size).min())
        fed.append(np.maximum(z, 0))
        sizes.append(size * (z > 0))
    *_, second, best = np.sort(z).T
    distances[-1] = ((best - second) / size.max(1)).min()
    p = np.exp(z - best[:, None]) / np.exp(z - best[:, None]).sum(1, keepdims=True)
    labels = np.eye(z.shape[1])[split.labels]
    grads = backward(layers, fed[:-1], p - labels)
    magnitudes = backward(jax.tree.map(np.abs, layers), sizes[:-1], p + labels)
    correct = int((z.argmax(1) == split.labels).sum())
    return Expected(-np.log(p[labels > 0]).sum(), correct, grads, magnitudes, z, min(distances))


def backward(layers: list[Layer], fed: list[np.ndarray], back: np.ndarray) -> Params:
    """The gradient by every layer, from that by the logits."""
    grads = []
    for layer, x in zip(reversed(layers), reversed(fed), strict=True):
        grads.insert(0, Layer(x.T @ back, back.sum(0)))
        back = back @ layer.weights.T * (x > 0)
    return tuple(grads)


def sums(engine, params, batch, loss=ORIGINAL.loss, rows=None):
    return jax.jit(lambda p, r: engine.sum_grads(loss, p, batch, r))(params, rows)


def logits_of(engine, params, batch):
    return jax.jit(lambda p: engine.map_rows(lambda x, rest, *_: ORIGINAL.forward(x, rest).logits, p, batch))(params)


def assert_close(grads: Params, expected: Params, magnitudes: Params | None = None, rtol: float = 1e-5) -> None:
    for name, ours in model.named(grads).items():
        theirs = model.named(expected)[name]
        norm = np.linalg.norm(model.named(magnitudes or expected)[name])
        error = np.linalg.norm(np.asarray(ours) - theirs)
        assert error <= rtol * norm, f"{name}: {error:.2e} of {norm:.2e}"


@pytest.mark.parametrize("count", [1, 71, 300])
@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("layout", ENGINES)
def test_loss_hits_gradient_and_logits_are_the_formulas(layout, precision, params, digits, cpu, count):
    engine = select(executed(layout, precision, CHUNK), cpu, 300)
    split = Split(digits.train.images[:count], digits.train.labels[:count])
    batch = engine.place(split, cpu)
    totals, grads = sums(engine, params, batch)
    expected = reference(params, split)
    np.testing.assert_allclose(totals.loss, expected.loss, rtol=1e-6)
    assert totals.correct == expected.correct
    assert_close(grads, expected.grads)
    atol = 2e-6 * np.abs(expected.logits).max()
    np.testing.assert_allclose(logits_of(engine, params, batch), expected.logits, atol=atol)
    assert batch.size == count


@pytest.mark.parametrize("widths", [(), (24, 17), (9, 1, 8)])
def test_any_number_of_layers_is_the_formula_too(engine, digits, rng, cpu, widths):
    params = clear(rng, digits.train, *widths)
    totals, grads = sums(engine, params, engine.place(digits.train, cpu))
    expected = reference(params, digits.train)
    np.testing.assert_allclose(totals.loss, expected.loss, rtol=1e-6)
    assert_close(grads, expected.grads, expected.magnitudes, 1e-6)  # through one unit, most of it may cancel


@pytest.mark.parametrize("ink", ["none", "full"])
def test_images_without_any_ink_or_without_any_blank_are_handled(engine, rng, cpu, ink):
    images = np.zeros((90, 784), np.uint8) if ink == "none" else rng.integers(1, 256, (90, 784)).astype(np.uint8)
    split = Split(images, rng.integers(0, 10, 90).astype(np.uint8))
    params = clear(rng, split, 24)
    totals, grads = sums(engine, params, engine.place(split, cpu))
    expected = reference(params, split)
    np.testing.assert_allclose(totals.loss, expected.loss, rtol=1e-5)
    assert_close(grads, expected.grads)


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
    screened = isinstance(engine, Screening)
    own, shared = (5 + DIRECTIONS, 784 * DIRECTIONS + 1) if screened else (0, 0)  # lengths
    assert sum(sizes.values()) <= (3 + own) * images + 2 * 9 * 784 + shared + images, "the rest is places and indices"


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
@pytest.mark.parametrize("layout", ENGINES)
def test_float64_gradient_agrees_with_finite_differences(layout, widths, digits, rng, cpu):
    with jax.enable_x64(True):
        engine, few = select(executed(layout, "float32", CHUNK), cpu, 120), Split(*(a[:120] for a in digits.train))
        batch = engine.place(few, cpu)
        point = jax.tree.map(lambda p: jnp.asarray(p, jnp.float64), clear(rng, few, *widths))
        gradients = jax.jit(lambda p: engine.sum_grads(ORIGINAL.loss, p, batch))
        grads = gradients(point)[1]
        direction = jax.tree.map(lambda p: jnp.asarray(np.random.default_rng(1).normal(size=p.shape)), point)
        step = 1e-9  # moves a unit by a tenth of CLEAR: over no kink
        ahead = gradients(jax.tree.map(lambda p, d: p + step * d, point, direction))[0].loss
        behind = gradients(jax.tree.map(lambda p, d: p - step * d, point, direction))[0].loss
        slope = sum(map(jnp.vdot, jax.tree.leaves(grads), jax.tree.leaves(direction)))
        norm = np.sqrt(sum(map(jnp.vdot, *2 * [jax.tree.leaves(grads)])))  # the slope may be any part of it
        assert grads[0].weights.dtype == jnp.float64
        np.testing.assert_allclose((ahead - behind) / (2 * step), slope, rtol=0, atol=1e-6 * norm)


@pytest.mark.parametrize("layout", ENGINES)
def test_chunk_does_not_change_the_mathematics(layout, params, digits, cpu):
    results = []
    for chunk in (7, 37, 10_000):
        engine = select(executed(layout, "float32", chunk), cpu, 300)
        results.append(sums(engine, params, engine.place(digits.train, cpu)))
    for totals, grads in results[1:]:
        np.testing.assert_allclose(totals.loss, results[0][0].loss, rtol=1e-6)
        assert totals.correct == results[0][0].correct
        assert_close(grads, results[0][1])


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("layout", ENGINES)
def test_no_product_is_left_to_a_faster_and_coarser_default_of_the_device(layout, precision, digits, rng, cpu):
    """A GPU multiplies float32 in TF32, and a TPU in bfloat16, unless told otherwise; a CPU would not show it."""
    engine = select(executed(layout, precision, CHUNK), cpu, 300)
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
    assert settled == Execution("staircase", "float32", settled.chunk, "on")
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
    for layout, kind in (("dense", Dense), ("staircase", Staircase), ("screened", Screening)):
        one, other = (select(executed(layout, "auto", CHUNK), cpu, 300) for _ in range(2))
        assert isinstance(one, kind)
        assert hash(one) == hash(other)
        assert one == other
