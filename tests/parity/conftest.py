"""What parity's tests share: a live TensorFlow's answers on a few hundred images, asked once a session."""

import warnings

import jax
import pytest
from small_runs import STEPS, Answered, first

from jaxmlp.data.generated import generated_digits
from jaxmlp.execution import Execution
from jaxmlp.program import Dense, GradientDescent, Program, TruncatedNormal
from parity.compare.trace import of_role
from parity.noise import reference
from parity.noise.float64 import truth
from parity.oracle import environment
from parity.oracle.ask import Compat, Tf115
from parity.oracle.select import INSTALL, has_tensorflow
from parity.subject.port import Port, arrays
from parity.subject.subject import trace


@pytest.fixture(scope="session")
def compat() -> Compat:
    if not has_tensorflow():
        pytest.skip(f"needs TensorFlow 2.x: {INSTALL}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's, about itself, at import
        import tensorflow  # noqa: F401
    return Compat()


@pytest.fixture(scope="session")
def tf115() -> Tf115:
    if not environment.is_set_up():
        pytest.skip(f"needs genuine TensorFlow 1.15.5: {environment.SETUP}, or name its folder in $PARITY_TF115")
    return Tf115(environment.require(), time_limit=300)


@pytest.fixture(scope="session")
def answered(compat, digits) -> Answered:
    """TensorFlow 2.x on the session's generated digits, one of them blank, with a seed of the day."""
    program = Program(seed=int(digits.train.images.sum()) % 2**31, steps=max(STEPS) + 1, report_every=2)
    dataset = first(digits, 200)
    return Answered(program, dataset, *reference.live(compat, program, dataset, STEPS))


@pytest.fixture(scope="session")
def deep(compat, digits) -> Answered:
    """The same with three hidden layers."""
    layers = tuple(Dense(units, TruncatedNormal(stddev)) for units, stddev in ((40, 1.0), (1000, 0.2), (24, 0.05)))
    seed = int(digits.train.images.sum()) % 2**31
    program = Program(layers, optimizer=GradientDescent(1e-6), seed=seed, steps=max(STEPS) + 1, report_every=2)
    dataset = first(digits, 150)
    return Answered(program, dataset, *reference.live(compat, program, dataset, STEPS))


@pytest.fixture(scope="session")
def small(cpu) -> Answered:
    """One small port passed off as the reference; needs no TensorFlow."""
    program = Program((Dense(784),), seed=3, steps=3)  # as many units as pixels: W1 is square
    dataset = first(generated_digits(60, 3), 60, 10)
    one = Port.of(program, dataset, cpu, Execution("dense", "float32", 20))
    truths = {0: truth(of_role(one.start(), "weights"), dataset.train)}
    got = trace(one, arrays(dataset), {0: one.start()}, {0: truths[0].logits_grad}, program.steps)
    told = {**got.header, "side": "reference", "who": "a reference"}
    alone = {0: got.steps[0]._replace(following=None)}
    return Answered(program, dataset, got._replace(header=told, steps=alone), truths)


@pytest.fixture(autouse=True)
def _float32_again():
    """No test leaves 64-bit JAX behind."""
    yield
    assert not jax.config.jax_enable_x64  # pyright: ignore[reportAttributeAccessIssue]
