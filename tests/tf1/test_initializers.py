"""Initial values against genuine TensorFlow 1.15.5's, and against what each initializer promises."""

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pytest

from jaxmlp.tf1 import initializers
from jaxmlp.tf1.random import Stream, random_normal, random_uniform, stream, truncated_normal

VECTORS = json.loads((Path(__file__).parent / "tf115_family_vectors.json").read_text())["initializers"]
DRAWN_BY = {
    "get_variable default": initializers.glorot_uniform,
    "contrib xavier": initializers.xavier,
    "contrib xavier normal": lambda *of: initializers.xavier(*of, uniform=False),
    "contrib variance_scaling": initializers.contrib_variance_scaling,
    "truncated_normal(stddev=0.1)": lambda *of: truncated_normal(*of, stddev=0.1),
    "random_normal(stddev=0.05)": lambda *of: random_normal(*of, stddev=0.05),
    "random_uniform(-0.05,0.05)": lambda *of: random_uniform(*of, -0.05, 0.05),
    "random_uniform default": random_uniform,
}
SCALES = ["fan_in", "fan_out", "fan_avg"]


@pytest.mark.parametrize("name", VECTORS["runs"])
def test_draws_the_bits_tensorflow_1_15_drew(name):
    draw = DRAWN_BY.get(name) or getattr(initializers, name)
    drawn = draw(VECTORS["shape"], Stream(VECTORS["graph_seed"], VECTORS["op_seed"]))
    assert hashlib.sha256(drawn.tobytes()).hexdigest() == VECTORS["runs"][name]["sha256_float32_little_endian"]


@pytest.mark.parametrize("mode", SCALES)
@pytest.mark.parametrize("distribution", ["truncated_normal", "untruncated_normal", "uniform"])
def test_variance_scaling_has_the_variance_it_promises(mode, distribution, rng):
    shape, scale = tuple(int(side) for side in rng.integers(200, 400, 2)), float(rng.uniform(0.5, 3))
    count = {"fan_in": shape[0], "fan_out": shape[1], "fan_avg": sum(shape) / 2}[mode]
    drawn = initializers.variance_scaling(shape, stream(int(rng.integers(2**31)), 1), scale, mode, distribution)
    assert drawn.std() == pytest.approx(math.sqrt(scale / count), rel=0.02)


@pytest.mark.parametrize("shape", [(70, 30), (30, 70), (3, 5, 8)])
def test_orthogonal_is_orthonormal_and_of_tensorflows_draw(shape, rng):
    gain = float(rng.uniform(0.5, 2))
    drawn = initializers.orthogonal(shape, stream(int(rng.integers(2**31)), 2), gain)
    rows = drawn.reshape(-1, shape[-1]) / gain
    small = rows @ rows.T if len(rows) < shape[-1] else rows.T @ rows
    np.testing.assert_allclose(small, np.eye(len(small)), atol=2e-6)
    assert drawn.dtype == np.float32


def test_sides_before_the_last_two_count_for_inputs_and_outputs():
    assert initializers.fans((3, 5, 7, 11)) == (3 * 5 * 7, 3 * 5 * 11)
    assert initializers.fans(7) == initializers.fans((7,)) == (7, 7)
    assert initializers.fans(()) == (1, 1)


def test_constant_repeats_its_last_value():
    np.testing.assert_array_equal(initializers.constant((2, 3), [1, 2]), [[1, 2, 2], [2, 2, 2]])
    assert initializers.constant((), 0.1) == np.float32(0.1)
    assert (initializers.zeros(3).sum(), initializers.ones((2, 2)).sum()) == (0, 4)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda at: initializers.variance_scaling((3, 3), at, mode="fan_mid"), "fan_in, fan_out, fan_avg"),
        (lambda at: initializers.variance_scaling((3, 3), at, distribution="gauss"), "untruncated_normal"),
        (lambda at: initializers.variance_scaling((3, 3), at, scale=0), "scale = 0"),
        (lambda at: initializers.contrib_variance_scaling((3, 3), at, mode="fan_in"), "FAN_IN, FAN_OUT"),
        (lambda at: initializers.contrib_variance_scaling((0, 3), at), "FAN_IN 0"),
        (lambda at: initializers.orthogonal((3,), at), "two dimensions"),
        (lambda at: initializers.orthogonal((3, 3), at, dtype=np.float16), "float32 or float64"),
        (lambda at: initializers.constant((2,), [1, 2, 3]), "3 values"),
    ],
)
def test_argument_tensorflow_does_not_take_is_refused_by_name(call, named):
    with pytest.raises(ValueError, match=named):
        call(stream(1, 2))
