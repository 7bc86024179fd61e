"""Whatever switch of JAX's a user has set: the run goes through, and the loss is the same to the last bit."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
import pytest

import jaxmlp
from jaxmlp import placement, trainer
from jaxmlp.data import Dataset
from jaxmlp.data.generated import generated_digits
from jaxmlp.errors import DeviceError, DivergedError
from jaxmlp.execution import Execution
from jaxmlp.program import Dense, GradientDescent, Program

# Name of the switch, its value. Those of random numbers are left out, but for one: nothing here draws any by JAX.
SWITCHES: list[tuple[str, Any]] = [
    ("jax_check_tracer_leaks", True),
    ("jax_custom_vjp3", True),
    ("jax_debug_infs", True),
    ("jax_debug_nans", True),
    ("jax_default_matmul_precision", "bfloat16"),
    ("jax_default_prng_impl", "rbg"),
    ("jax_enable_checks", True),
    ("jax_enable_x64", True),
    ("jax_numpy_dtype_promotion", "strict"),
    ("jax_numpy_rank_promotion", "raise"),
    ("jax_softmax_custom_jvp", True),
    ("jax_transfer_guard", "disallow"),
    ("jax_transfer_guard_device_to_host", "disallow"),
    ("jax_transfer_guard_host_to_device", "disallow"),
    ("jax_use_direct_linearize", False),
]
WHOLE_BATCH, WITH_A_REST = 500, 25


@pytest.fixture(scope="module")
def few() -> Dataset:
    return generated_digits(60, 3)


@contextlib.contextmanager
def switched(name: str, value: Any) -> Iterator[None]:
    """As if the environment had said so; compiled programs are forgotten, or nothing would be traced again."""
    before = getattr(jax.config, name)
    jax.clear_caches()
    jax.config.update(name, value)
    try:
        yield
    finally:
        jax.config.update(name, before)


def losses(dataset: Dataset, execution: Execution, rate: float = 1e-4) -> list[float]:
    program = Program((Dense(8),), optimizer=GradientDescent(rate), steps=2, report_every=2, seed=5)
    run = trainer.Run(program, placement.place(execution, dataset, jax.devices()[0]))
    reports = list(run)
    np.testing.assert_allclose(run.test_predictions().sum(1), 1, rtol=1e-5)
    return [report.loss for report in reports]


# Both layouts and precisions, in two: with whole chunks and a rest, and with a rest alone; and what is screened.
WAYS = [
    Execution("dense", "bf16x3", WITH_A_REST),
    Execution("staircase", "float32", WHOLE_BATCH, "off"),
    Execution("staircase", "float32", WHOLE_BATCH, "on"),
]


@pytest.fixture(scope="module")
def unswitched(few: Dataset) -> Callable[[Execution], list[float]]:
    return functools.cache(functools.partial(losses, few))


@pytest.mark.parametrize(("name", "value"), SWITCHES, ids=str)
def test_a_switch_changes_no_bit_of_the_loss(few, unswitched, name, value):
    if not hasattr(jax.config, name):
        pytest.skip("this jax has no such switch")
    expected = [unswitched(execution) for execution in WAYS]
    with switched(name, value):
        assert [losses(few, execution) for execution in WAYS] == expected


@pytest.mark.parametrize("execution", WAYS, ids=lambda way: f"{way.layout} {way.screening}")
def test_without_jit_each_operation_rounds_by_itself_and_no_more(few, unswitched, execution):
    expected = unswitched(execution)
    with switched("jax_disable_jit", True):
        np.testing.assert_allclose(losses(few, execution), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "value"), [("jax_numpy_rank_promotion", "raise"), ("jax_transfer_guard", "disallow")], ids=str
)
def test_the_library_runs_under_the_strictest_switches(few, tmp_path, name, value):
    expected = jaxmlp.fit(Program((Dense(8), Dense(6)), steps=2), few)
    with switched(name, value):
        model = jaxmlp.fit(Program((Dense(8), Dense(6)), steps=2), few)
        model.save(tmp_path / "model.safetensors")
        loaded = jaxmlp.Model.load(tmp_path / "model.safetensors")
        assert (loaded.predict(few.test.images) == expected.predict(few.test.images)).all()
        assert loaded.evaluate(few.test) == expected.evaluate(few.test)


@pytest.mark.parametrize("jit", [True, False], ids=["jit", "no jit"])
@pytest.mark.parametrize("name", ["jax_debug_nans", "jax_debug_infs"])
def test_divergence_is_told_as_such_when_jax_looks_for_nans_too(few, name, jit):
    with switched(name, True), jax.disable_jit(not jit), pytest.raises(DivergedError, match="Lower the learning rate"):
        losses(few, Execution("dense", "float32"), rate=1e37)


@pytest.mark.parametrize(
    ("name", "value"),
    [("jax_no_execution", True), ("jax_scan3", True), ("jax_transfer_guard", "disallow_explicit")],
    ids=str,
)
def test_a_switch_under_which_nothing_can_be_computed_is_refused_by_its_name(few, name, value):
    with switched(name, value), pytest.raises(DeviceError, match=f"{name.upper()}={value} forbids .* unset it"):
        jaxmlp.fit(Program((Dense(8),), steps=1), few)
