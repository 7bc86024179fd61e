"""What parity's tests share: a live TensorFlow's answers on a few hundred images, asked once a session."""

import warnings

import jax
import pytest
from small_runs import STEPS, first

from jaxmlp.config import Config
from jaxmlp.data import Dataset
from jaxmlp.data.generated import generated
from parity import environment, port
from parity.choice import INSTALL, has_tensorflow
from parity.oracle import Compat, Tf115
from parity.reference import live_trace
from parity.tiers import Ground
from parity.trace import Trace


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
def answered(compat, digits) -> tuple[Config, Dataset, Trace, Ground]:
    """TensorFlow 2.x on the session's generated digits, one of them blank, with a seed of the day."""
    config = Config(seed=int(digits.train.images.sum()) % 2**31, steps=max(STEPS) + 1, report_every=2, chunk=90)
    dataset = first(digits, 200)
    reference, exacts = live_trace(compat, config, dataset, STEPS)
    return config, dataset, reference, Ground(dataset.train, config.learning_rate, exacts)


@pytest.fixture(scope="session")
def small(cpu) -> tuple[Trace, Trace, Ground]:
    """Two traces of one small port, the first passed off as the reference; needs no TensorFlow."""
    import numpy as np

    from parity.exact import exact_step

    config = Config(seed=3, hidden=784, steps=3, chunk=20)  # as many units as pixels: W1 is square
    dataset = first(generated(60, 3), 60, 10)
    one = port.port(config, dataset, cpu, "dense", "float32")
    weights = {0: {k: np.asarray(v) for k, v in one.initial()._asdict().items()}}
    exacts = {0: exact_step(weights[0], dataset.train)}
    trace = one.trace(weights, {0: exacts[0].logits_grad}, config.steps)
    return trace._replace(side="reference", who="a reference"), trace, Ground(dataset.train, 1e-4, exacts)


@pytest.fixture(autouse=True)
def _float32_again():
    """No test leaves 64-bit JAX behind."""
    yield
    assert not jax.config.jax_enable_x64  # pyright: ignore[reportAttributeAccessIssue]
