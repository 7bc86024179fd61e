"""What all tests share: strict dtypes, a fresh seed a session (printed: a failure can be repeated), real MNIST."""

import os
import resource
import secrets
from collections.abc import Callable

import jax
import numpy as np
import pytest

from jaxmlp.data import Dataset, Split, load
from jaxmlp.data.generated import generated_digits

pytest_plugins = ["no_skips", "durability"]

jax.config.update("jax_numpy_dtype_promotion", "strict")

# In the environment, where the processes that share the tests (pytest -n) find the same.
SEED = int(os.environ.setdefault("JAXMLP_TEST_SEED", str(secrets.randbelow(2**31))))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis draws by the same seed, unless it is told another."""
    if getattr(config.option, "hypothesis_seed", "") is None:
        config.option.hypothesis_seed = str(SEED)


def pytest_report_header() -> str:
    return f"fresh inputs from JAXMLP_TEST_SEED={SEED}"


@pytest.fixture(scope="session")
def seed() -> int:
    """Of this run of the tests, for a process that draws by itself."""
    return SEED


@pytest.fixture
def rng() -> np.random.Generator:
    """Other numbers at every run of the tests; JAXMLP_TEST_SEED repeats one."""
    return np.random.default_rng(SEED)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """A few hundred generated digits, other ones at every run, the first training image blank: there z = b1 = 0."""
    dataset = generated_digits(500, SEED)
    images = dataset.train.images.copy()
    images[0] = 0
    return dataset._replace(train=Split(images, dataset.train.labels))


@pytest.fixture(scope="session")
def mnist() -> Dataset:
    if "JAXMLP_DATA_DIR" not in os.environ:
        pytest.skip("needs real MNIST: set JAXMLP_DATA_DIR to the folder with its four files")
    return load("mnist")


@pytest.fixture(scope="session")
def cpu() -> jax.Device:
    return jax.devices("cpu")[0]


@pytest.fixture
def takes_less_than() -> Callable[[float, Callable[[], object]], bool]:
    """Whether a call and the processes it starts are done in so many seconds of processor time, at one of three tries.

    A busy machine stretches wall time without end; processor time a little, and not at every try.
    """

    def seconds() -> float:
        usages = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    def less(limit: float, call: Callable[[], object]) -> bool:
        before = seconds()
        call()
        return seconds() - before < limit

    return lambda limit, call: any(less(limit, call) for _ in range(3))
