"""A recorded program's step in JAX is TensorFlow 1.15's: loss, gradients, weights, slots and all else it changes.

One process of TensorFlow trains the small programs of `graph_programs.py`. What float32 may lose on the way to each
variable is sampled by Monte Carlo arithmetic of the same step.
"""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest

from parity.errors import CannotCompare
from parity.noise.monte_carlo import Arithmetic
from parity.oracle import environment
from parity.subject.graph.graph import Graph
from parity.subject.graph.step import GraphStep

PROGRAMS = Path(__file__).parent / "graph_programs.py"
SAMPLES = 6
ROOM = 8  # times the largest deviation sampled
FLOOR = 32 * 2.0**-24  # of a tensor's largest entry: Eigen's polynomials and approximate roots


class Recorded(NamedTuple):
    """A program as it was told, its graph, and its arrays by "step|role|name"."""

    program: dict[str, Any]
    graph: dict[str, Any]
    constants: dict[str, np.ndarray]
    arrays: dict[str, np.ndarray]

    def step(self) -> GraphStep:
        return GraphStep(Graph(self.graph["nodes"], self.constants, self.graph["functions"]), self.program)

    def role(self, step: int, role: str) -> dict[str, np.ndarray]:
        return {key.split("|", 2)[2]: array for key, array in self.arrays.items() if key.startswith(f"{step}|{role}|")}

    def given(self, own: GraphStep, step: int) -> tuple[dict[str, np.ndarray], ...]:
        before = self.role(step, "before")
        weights = {name: before.pop(name) for name in own.weights}
        return weights, before, self.role(step, "feed"), self.role(step, "draw")

    def expected(self, own: GraphStep, step: int) -> dict[str, np.ndarray]:
        """By "role/name", as `flat` has what a step returns."""
        after = self.role(step, "after")
        found = {f"{'weights' if name in own.weights else 'slots'}/{name}": array for name, array in after.items()}
        found |= {f"grads/{name}": array for name, array in self.role(step, "gradient").items()}
        return {**found, "loss": next(iter(self.role(step, "loss").values()))} if own.calls else found


def flat(made: dict[str, Any]) -> dict[str, np.ndarray]:
    named = {f"{role}/{name}": made[role][name] for role in ("grads", "weights", "slots") for name in made[role]}
    return jax.device_get({**named, **({"loss": made["loss"]} if "loss" in made else {})})


def recorded(seed: int, folder: Path) -> dict[str, Recorded]:
    file = folder / "programs.npz"
    command = [str(environment.require()), str(PROGRAMS), str(seed), str(file)]
    run = {"env": {**environment.untouched(), "PYTHONPATH": str(PROGRAMS.parents[2]), "TF_CPP_MIN_LOG_LEVEL": "3"}}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **run)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(file) as stored:
        return parsed({key: stored[key] for key in stored.files})


def parsed(arrays: dict[str, np.ndarray]) -> dict[str, Recorded]:
    def of(start):
        return {key.removeprefix(start): array for key, array in arrays.items() if key.startswith(start)}

    told = enumerate(json.loads(str(arrays["told"])).items())
    return {name: Recorded(one, graph, of(f"const|{i}|"), of(f"{i}|")) for i, (name, (one, graph)) in told}


def differing(one: Recorded, own: GraphStep, step: int) -> dict[str, str]:
    """By "role/name" how far a step is from the recorded one; nothing where all is well."""
    given = one.given(own, step)
    got, expected, limits = flat(own(*given)), one.expected(own, step), sampled(own, given)
    assert got.keys() == expected.keys()
    found = {}
    for key, array in expected.items():
        assert (got[key].shape, got[key].dtype) == (array.shape, array.dtype), key
        apart = np.abs(np.asarray(got[key], np.float64) - array).max(initial=0)
        allowed = ROOM * limits[key] + FLOOR * np.abs(array).max(initial=0) if array.dtype.kind == "f" else 0
        if not apart <= allowed:
            found[key] = f"{apart} apart, the limit is {allowed}"
    return found


def sampled(own: GraphStep, given: Any) -> dict[str, float]:
    """The largest deviation of each tensor."""
    floats = [{name: a for name, a in part.items() if a.dtype == np.float32} for part in given]

    def step(floats):
        return own(*({**part, **varied} for part, varied in zip(given, floats, strict=True)))

    traced, shape = jax.make_jaxpr(step, return_shape=True)(floats)

    def run(rng):
        values = Arithmetic(rng).run(traced, jax.tree.leaves(floats))
        return flat(jax.tree.unflatten(jax.tree.structure(shape), values))

    exact, samples = run(None), [run(np.random.default_rng(i)) for i in range(SAMPLES)]
    return {key: max(float(np.abs(one[key] - exact[key]).max(initial=0)) for one in samples) for key in exact}


@pytest.fixture(scope="module")
def programs(tf115, tmp_path_factory, seed):
    return recorded(seed, tmp_path_factory.mktemp("programs"))


def test_every_programs_steps_are_tensorflows(programs):
    found = {}
    for name, one in programs.items():
        own = one.step()
        for step in (0, one.program["steps"][-1]):
            found |= {f"{name} {step} {key}": difference for key, difference in differing(one, own, step).items()}
    assert found == {}


def test_a_step_feeds_the_next_and_jit_changes_nothing_that_matters(programs):
    one = programs["adam"]
    own = one.step()
    weights, slots, _, _ = one.given(own, 0)
    jitted = jax.jit(own)
    for step in one.program["steps"]:
        made = own(weights, slots, one.role(step, "feed"), {})
        again = flat(jitted(weights, slots, one.role(step, "feed"), {}))
        for key, array in flat(made).items():
            np.testing.assert_allclose(again[key], array, rtol=1e-5, atol=1e-6, err_msg=key)
        weights, slots = made["weights"], made["slots"]
    assert int(slots["global_step"]) == len(one.program["steps"])
    after = one.role(one.program["steps"][-1], "after")
    for name, array in weights.items():
        np.testing.assert_allclose(array, after[name], rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.parametrize(
    ("program", "constant", "value", "key"),
    [
        ("adam", "Adam/epsilon", 3e-4, "weights/"),
        ("rmsprop", "RMSProp/decay", 0.8, "slots/"),
        ("clipped_and_decayed", "ExponentialDecay", 0.9, "weights/"),
        ("averaged_after_the_update", "ExponentialMovingAverage/decay", 0.05, "slots/"),
    ],
)
def test_another_number_in_the_graph_is_found_out_where_it_acts(programs, program, constant, value, key):
    one = programs[program]
    names = [name for name in one.constants if constant.lower() in name.lower() and one.constants[name].ndim == 0]
    assert names, constant
    changed = {**one.constants, **{n: np.asarray(value, one.constants[n].dtype) for n in names}}
    found = differing(one, one._replace(constants=changed).step(), 2)
    assert found
    assert all(name.startswith(("weights/", "slots/")) for name in found), found
    assert any(name.startswith(key) for name in found), found


def test_what_is_not_given_is_named_with_where_it_was_to_come_from(programs):
    one = programs["batch_norm_and_dropout"]
    own = one.step()
    weights, slots, batch, draws = one.given(own, 0)
    with pytest.raises(CannotCompare, match=r"draws has no .*random_uniform.*RandomUniform"):
        own(weights, slots, batch, {})
    with pytest.raises(CannotCompare, match=r"batch has no x:0, which is Placeholder x \(graph_programs.py:\d+\)"):
        own(weights, slots, {name: array for name, array in batch.items() if name != "x:0"}, draws)
    missing = own.weights[0]
    with pytest.raises(CannotCompare, match=rf"^weights has no {missing}; it must have"):
        own({name: array for name, array in weights.items() if name != missing}, slots, batch, draws)
