"""Every type of op of a recorded graph: value and gradient, at kinks and ties too, against genuine TensorFlow 1.15.

One process of TensorFlow computes all cases of `graph_cases.py`, a jitted function of JAX evaluates each. What float32
may lose is sampled by Monte Carlo arithmetic of the same function, which so has to know every primitive.
"""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

from parity.noise.monte_carlo import Arithmetic
from parity.oracle import environment
from parity.subject.graph.evaluation import evaluate
from parity.subject.graph.graph import Graph
from parity.subject.graph.ops import OPS

CASES = Path(__file__).parent / "graph_cases.py"
SAMPLES = 6
ROOM = 4  # times the largest deviation sampled
ULP = 2.0**-24
POLYNOMIALS = 16  # ulp that Eigen's exp, log, tanh and their like may be off by themselves, and glibc's in JAX
TERMS = {"Lgamma": 8.0}  # the largest of those that XLA adds up and that mostly cancel


class Compared(NamedTuple):
    """Of one tensor, TensorFlow's, JAX's under jit, and what float64 makes of it, with its limit."""

    expected: np.ndarray
    got: np.ndarray
    exact: np.ndarray
    limit: float


def computed(seed: int, folder: Path) -> tuple[dict[str, Any], dict[str, Compared]]:
    """The cases by name, and the tensors by key: "out|name", and "out|grad|input"."""
    file = folder / "cases.npz"
    command = [str(environment.require()), str(CASES), str(seed), str(file)]
    run = {"env": {**environment.untouched(), "PYTHONPATH": str(CASES.parents[2]), "TF_CPP_MIN_LOG_LEVEL": "3"}}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **run)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(file) as stored:
        arrays = {key: stored[key] for key in stored.files}
    return compared(arrays)


def compared(arrays: dict[str, np.ndarray], only: str = "") -> tuple[dict[str, Any], dict[str, Compared]]:
    told = json.loads(str(arrays["told"]))
    cases = {name: one for name, one in told["cases"].items() if only in name}
    graph = Graph(told["graph"]["nodes"], of("const", arrays), told["graph"]["functions"])
    given, expected, found = {**of("feed", arrays), **of("draw", arrays)}, of("out", arrays), {}
    for one in cases.values():
        found |= tensors(graph, one, given, expected)
    return cases, found


def of(kind: str, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {key.removeprefix(f"{kind}|"): array for key, array in arrays.items() if key.startswith(f"{kind}|")}


def tensors(graph: Graph, case: dict[str, Any], given: Any, expected: Any) -> dict[str, Compared]:
    """Of one case: outputs, and gradients."""
    known = {name: array for name, array in given.items() if name not in case["gradients"]}
    floats = {name: given[name] for name in case["gradients"]}
    weights = {name: given[weight] for name, weight in case["weights"].items()}

    def both(floats, weights):
        with jax.enable_x64(True):
            found, back = jax.vjp(lambda floats: evaluate(graph, case["outputs"], {**known, **floats}), floats)
            cotangents = {name: weights.get(name, zero(value)) for name, value in found.items()}
            return {**found, **{f"grad|{name}": grad for name, grad in back(cotangents)[0].items()}}

    with jax.enable_x64(True):
        traced, shape = jax.make_jaxpr(both, return_shape=True)(floats, weights)
        got = jax.device_get(jax.jit(both)(floats, weights))
    keys, leaves = sorted(shape), jax.tree.leaves((floats, weights))

    def run(rng):
        return dict(zip(keys, Arithmetic(rng).run(traced, leaves), strict=True))

    exact, samples = run(None), [run(np.random.default_rng(i)) for i in range(SAMPLES)]
    return {
        key: Compared(expected[key], got[key], exact[key], limit(key, exact[key], [one[key] for one in samples]))
        for key in keys
        if key in expected
    }


def zero(value):
    return np.zeros(value.shape, value.dtype if value.dtype.kind == "f" else jax.dtypes.float0)


def limit(key: str, exact: np.ndarray, samples: list[np.ndarray]) -> float:
    if exact.dtype.kind != "f":
        return 0.0
    with np.errstate(invalid="ignore"):
        apart = [np.abs(np.where(np.isfinite(exact), one - exact, 0)).max(initial=0) for one in samples]
    name = key.removeprefix("grad|").partition("/")[0]
    largest = np.abs(exact[np.isfinite(exact)]).max(initial=TERMS.get(name, 0))
    return float(ROOM * np.nanmax(apart) + POLYNOMIALS * ULP * largest)


def agree(one: Compared) -> str:
    """What differs; nothing where all is well."""
    expected, got = one.expected, one.got
    if expected.shape != got.shape or expected.dtype != got.dtype:
        return f"{expected.dtype} {expected.shape} is expected, {got.dtype} {got.shape} was got"
    if expected.dtype.kind != "f":
        return "" if np.array_equal(expected, got) else f"{expected} is expected, {got} was got"
    finite = np.isfinite(expected)
    if not np.array_equal(np.isfinite(one.exact), finite):
        return f"{expected} is expected, {one.exact} is what it would be in float64"
    if not np.array_equal(expected[~finite], got[~finite], equal_nan=True) or not np.isfinite(got[finite]).all():
        return f"{expected} is expected, {got} was got"
    apart = max(np.abs(other[finite] - expected[finite]).max(initial=0) for other in (got, one.exact))
    return "" if apart <= one.limit else f"{apart} apart, the limit is {one.limit}: {expected} and {got}"


def differing(cases: dict[str, Any], tensors: dict[str, Compared]) -> dict[str, str]:
    """By case and tensor."""
    found = {}
    for name, told in cases.items():
        for key in (*told["outputs"], *(f"grad|{one}" for one, there in told["gradients"].items() if there)):
            if difference := agree(tensors[key]):
                found[f"{name} {key}"] = difference
    return found


@pytest.fixture(scope="module")
def all_cases(tf115, tmp_path_factory, seed):
    return computed(seed, tmp_path_factory.mktemp("cases"))


def test_every_op_and_its_gradient_is_tensorflows_at_kinks_and_ties_too(all_cases):
    assert differing(*all_cases) == {}


def test_at_least_170_types_of_ops_are_known():
    assert len(OPS) >= 170
