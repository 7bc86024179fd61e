"""The seams hold: three layers with dropout masks handed in, trained and proven T0 to T3, by what these files add.

No engine, tier, trace or limit knows of a mask. The masks go along with the images as `rows`.
"""

import dataclasses
import subprocess
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from masked_program import RATE
from small_runs import Answered, first

from jaxmlp import model, trainer
from jaxmlp.execution import LAYOUTS, Execution
from jaxmlp.network import Pass
from jaxmlp.program import Dense, GradientDescent, Program, TruncatedNormal
from parity.compare.comparable import require_comparable
from parity.compare.trace import StepTrace, Trace, header, in_role, whole
from parity.noise.float64 import truth
from parity.subject.port import Port, arrays

KEEP = 0.5
SERIES = {name: np.ones(1, np.float32) for name in ("losses", "corrects", "test_steps", "test_corrects")}
SCRIPT = Path(__file__).with_name("masked_program.py")


def masked(inputs, rest, rows) -> Pass:
    """relu(…) times the layer's mask, which scales what it keeps."""
    before, hidden, outputs = [], [], inputs + rest[0].biases
    for layer, mask in zip(rest[1:], rows, strict=True):
        before.append(outputs)
        hidden.append(jax.nn.relu(outputs) * mask)
        outputs = jnp.matmul(hidden[-1], layer.weights, precision="highest") + layer.biases
    return Pass(tuple(before), tuple(hidden), outputs)


@pytest.fixture(scope="module")
def program() -> Program:
    layers = tuple(Dense(units, TruncatedNormal(stddev)) for units, stddev in ((64, 1.0), (48, 0.2), (32, 0.2)))
    return Program(layers, optimizer=GradientDescent(RATE), seed=7)


@pytest.fixture(scope="module")
def dataset(digits):
    return first(digits, 120, 10)


@pytest.fixture(scope="module")
def masks(program) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(3)
    return tuple((rng.random((120, layer.units)) < KEEP).astype(np.float32) / KEEP for layer in program.layers)


def masked_port(program, dataset, cpu, masks, layout) -> Port:
    one = Port.of(program, dataset, cpu, Execution(layout, "float32", 35))
    return dataclasses.replace(one, forward=masked, rows=tuple(map(jnp.asarray, masks)))


def in_this_process(asked, tmp_path, compat):
    from masked_program import answer

    return answer(asked)


def in_tensorflow_1_15(asked, tmp_path, tf115):
    np.savez(tmp_path / "request.npz", **asked)
    command = [tf115.python, SCRIPT, tmp_path / "request.npz", tmp_path / "answer.npz"]
    subprocess.run(command, check=True, capture_output=True)
    with np.load(tmp_path / "answer.npz") as npz:
        return {name: npz[name] for name in npz.files}


@pytest.fixture(scope="module", params=["compat", "tf115"])
def genuine(request, tmp_path_factory, program, dataset, masks) -> Answered:
    """What TensorFlow makes of one step with these masks, and what float64 says of it."""
    initial = model.init(program, 784, 10)
    weights = model.named(initial)
    exact = truth(weights, dataset.train, masked, masks)
    handed = {f"mask_{i}": mask for i, mask in enumerate(masks, 1)}
    asked = {**weights, **handed, **dataset.train._asdict(), "logits_grad": exact.logits_grad / np.float32(120)}
    ask = {"compat": in_this_process, "tf115": in_tensorflow_1_15}[request.param]
    got = ask(asked, tmp_path_factory.mktemp("masked"), request.getfixturevalue(request.param))
    told = header("reference", request.param, {}, arrays(dataset), weights)
    step = StepTrace(whole(in_role("weights", weights)), whole(got))
    return Answered(program, dataset, Trace(told, SERIES, {0: step}), {0: exact})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_masks_handed_in_are_proven_from_t0_to_t3(genuine, program, dataset, masks, cpu, layout):
    one = masked_port(program, dataset, cpu, masks, layout)
    ours = genuine.trace(one, 0)._replace(series=SERIES)
    require_comparable(genuine.reference, ours)
    assert not genuine.failures(ours)
    assert {check.tier for check in genuine.checks(ours)} == {"T0", "T1", "T1b", "T2", "T2b", "T3"}
    other = dataclasses.replace(one, rows=tuple(mask[::-1] for mask in one.rows))
    assert "T1b logits, step 0" in genuine.failures(genuine.trace(other, 0))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_masks_handed_in_are_trained_with(program, dataset, masks, cpu, layout):
    one = masked_port(program, dataset, cpu, masks, layout)
    step = jax.jit(trainer.make_step(one.placed.engine, one.loss))
    state, losses = trainer.init(dataclasses.replace(program, optimizer=GradientDescent(1e-7)), 10), []
    for _ in range(8):
        state, metrics = step(state, one.placed.train, one.rows)
        losses.append(float(metrics.loss))
    assert losses == sorted(losses, reverse=True), "a small step goes downhill, the masks being the same"
