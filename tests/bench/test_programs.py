"""The programs by name: whose layers they have, what a step of them costs, and how they are called in a title."""

from typing import get_args

import numpy as np
import pytest

import bench.__main__ as command
from bench import lineup, programs, session, table
from bench.peers.protocol import load
from bench.roofline import Roofline
from bench.workload import Workload, first, write
from jaxmlp import minibatches, model, presets
from jaxmlp.data.generated import generated_digits
from jaxmlp.errors import ConfigError
from jaxmlp.program import Program

PEAKS = Roofline("cpu", "", 100.0, "JAX", None, 10.0)
FLOP = {  # of a step on 60,000 images, by hand: 2 forward and 2 backward, 6 where the inputs have a gradient, too
    "original": 60_000 * (4 * 784 * 1024 + 6 * 1024 * 10),
    "adam128": 128 * (4 * 784 * 1024 + 6 * 1024 * 10),
    "fully-connected-feed": 100 * (4 * 784 * 128 + 6 * 128 * 32 + 6 * 32 * 10),
    "adam-256-256": 100 * (4 * 784 * 256 + 6 * 256 * 256 + 6 * 256 * 10),
}


def mnist(name: str) -> Workload:
    return Workload("mnist", 60_000, programs.hidden_units(name, None), 10, "cpu", name)


@pytest.mark.parametrize("name", get_args(programs.Name))
def test_arithmetic_of_a_step_is_that_of_its_products(name):
    assert mnist(name).flop == FLOP[name]
    assert mnist(name).is_on_mnist
    assert not mnist(name)._replace(images=6_000).is_on_mnist


@pytest.mark.parametrize("name", programs.PRESETS)
def test_preset_is_the_one_of_that_name_with_its_own_weights_rows_and_numbers(name, tmp_path):
    work, program = mnist(name)._replace(images=5_300), presets.load(name)
    write(tmp_path, first(generated_digits(5_300, seed=7), None), work)
    problem = load(tmp_path)
    assert Program.from_dict(problem.program) == work.trained == program
    for (weights, biases), right in zip(problem.layers, model.init(program, 784, 10), strict=True):
        np.testing.assert_array_equal(weights, right.weights)
        np.testing.assert_array_equal(biases, right.biases)
    assert problem.rows is not None
    np.testing.assert_array_equal(problem.rows[0], next(minibatches.rows(program, 5_300)))
    assert problem.rows.shape == (3, 100)
    assert problem.rows.min() >= 5_000  # the first are left out for validation
    assert problem.activation == program.layers[0].activation
    assert (problem.adam is None) == (program.optimizer.kind == "gradient_descent")


@pytest.mark.parametrize("name", programs.PRESETS)
def test_other_hidden_units_than_a_presets_own_are_refused_before_anything_is_measured(name, capsys, monkeypatch):
    monkeypatch.setattr(session.roofline, "measure", lambda device: pytest.fail("it was measured"))
    assert command.main(["--program", name, "--hidden", "1024", "--data", "generated:300"]) == 2
    error = capsys.readouterr().err.strip()
    assert error == f"error: hidden = 1024 is impossible: {name} has layers of its own; leave --hidden out"


def test_too_few_images_for_a_presets_validation_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="validation"):
        write(tmp_path, first(generated_digits(300), None), mnist("adam-256-256")._replace(images=300))


def test_hidden_units_are_1024_unless_others_are_asked_for():
    assert programs.hidden_units("original", None) == 1024
    assert programs.load("adam128", 16).layers[0].units == 16


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("original", "Full-batch steps on 60,000 images (mnist), 784-1024-10: 196.4 GFLOP"),
        ("adam128", "Steps of adam128 on minibatches of 128 of 60,000 images (mnist), 784-1024-10: 0.419 GFLOP"),
        ("adam-256-256", "minibatches of 100 of 55,000 images (mnist), 784-256-256-10: 0.121 GFLOP"),
    ],
)
def test_title_names_program_batches_and_layers(name, title):
    assert title in table.heading(mnist(name), PEAKS, "a processor").splitlines()[0]


@pytest.mark.parametrize("name", get_args(programs.Name))
def test_ours_are_those_of_the_kind_of_step_and_so_is_the_plan(name):
    work = mnist(name)
    ours = [peer for peer in lineup.chosen((), "cpu", work.in_minibatches) if peer.ours]
    assert (ours == [lineup.MINIBATCH]) == (name != "original")
    plan = session.plan(5, None, work)
    assert (plan.block, plan.least_seconds > 0) == ((1, False) if name == "original" else (100, True))
    assert session.plan(5, 250, work).steps == (250 if name == "original" else 300)
    assert not session.plan(5, 250, work).least_seconds
