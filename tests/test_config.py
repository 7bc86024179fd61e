"""Config: the original's values, and nothing impossible."""

import dataclasses

import pytest

from jaxmlp.config import Config
from jaxmlp.errors import ConfigError


def test_defaults_are_the_originals_values():
    config = Config()
    assert (config.hidden, config.learning_rate, config.steps, config.report_every) == (1024, 1e-4, 301, 100)
    assert config.weight_stddev == 1.0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hidden", 0), ("hidden", -3), ("hidden", 1.5), ("hidden", True), ("hidden", "1024"),
        ("steps", 0), ("report_every", 0), ("chunk", 0),
        ("learning_rate", 0.0), ("learning_rate", -1e-4), ("learning_rate", float("nan")),
        ("learning_rate", float("inf")), ("learning_rate", 1e39), ("learning_rate", 1e-46), ("learning_rate", "fast"),
        ("weight_stddev", 0.0), ("weight_stddev", -1.0), ("weight_stddev", float("nan")),
        ("seed", 0.5), ("seed", None), ("layout", "stairs"), ("pixels", "bf16"),
    ],
)  # fmt: skip
def test_impossible_value_is_refused_with_field_value_and_what_is_allowed(field, value):
    with pytest.raises(ConfigError) as refusal:
        Config(**{field: value})
    message = str(refusal.value)
    assert message.startswith(f"{field} = {value!r} ")
    assert "must be" in message
    assert "\n" not in message


@pytest.mark.parametrize("seed", [-(2**70), -1, 0, 2**31 - 1, 2**70])
def test_any_whole_seed_is_allowed_as_in_tensorflow(seed):
    assert Config(seed=seed).seed == seed


def test_config_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().hidden = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_reports_fall_where_the_original_prints():
    assert [step for step in range(301) if Config().reports(step)] == [0, 100, 200, 300]
