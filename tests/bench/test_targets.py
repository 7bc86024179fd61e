"""Targets are judged on the work they speak of, and not measured is not the same as met."""

import pytest

from bench import programs
from bench.row import Row
from bench.targets import judge
from bench.workload import Workload

MNIST = Workload("mnist", 60_000, 1024, 10, "cpu")


def row(name: str, seconds: float, whole: float | None = None) -> Row:
    return Row(name, name.startswith("jaxmlp"), rounds=[[seconds]] * 3, whole_run_seconds=whole)


def verdicts(rows: list[Row], workload: Workload) -> list[str]:
    return [target.verdict for target in judge(rows, workload)]


def test_arithmetic_of_the_original_step_is_196_gflop():
    assert MNIST.flop == 4 * 60_000 * 784 * 1024 + 6 * 60_000 * 1024 * 10


def test_cpu_targets_are_met_or_not_by_the_measured_ratio_and_gpu_targets_stay_open():
    rows = [row("jaxmlp staircase", 1.0), row("tf2_graph", 1.85), row("tf115", 2.2)]
    assert verdicts(rows, MNIST) == ["met", "not met", *["not measured"] * 5]


def test_gpu_targets_are_judged_on_a_gpu():
    rows = [row("jaxmlp staircase", 0.5e-3, 0.31), row("jax_whole_batch", 3e-3), row("torch_eager", 1.9e-3)]
    found = verdicts(rows, MNIST._replace(device="gpu"))
    assert found == [*["not measured"] * 3, "met", "not met", "met", "not met"]


@pytest.mark.parametrize("other", [{"images": 6000}, {"hidden": 512}, {"data": "generated"}])
def test_nothing_is_judged_on_other_work(other):
    rows = [row("jaxmlp staircase", 1.0), row("tf2_graph", 9), row("tf115", 9), row("jax_whole_batch", 9)]
    assert set(verdicts(rows, MNIST._replace(**other))) == {"not measured"}


@pytest.mark.parametrize("program", ["adam128", "fully-connected-feed", "adam-256-256"])
def test_minibatch_targets_are_over_the_fastest_peer_of_every_program(program):
    rows = [row("jaxmlp", 1.0), row("jax_whole_batch", 1.2), row("tf115", 9)]
    work = MNIST._replace(program=program, hidden=programs.hidden_units(program, None))
    assert verdicts(rows, work) == ["met", "not met"]
    assert set(verdicts(rows, work._replace(images=6000))) == {"not measured"}


def test_two_rounds_are_too_few_to_judge():
    rows = [row("jaxmlp staircase", 1.0), row("tf2_graph", 9)]
    for each in rows:
        each.rounds.pop()
    assert set(verdicts(rows, MNIST)) == {"not measured"}


def test_engine_that_is_not_our_default_earns_no_target():
    assert set(verdicts([row("jaxmlp dense", 1.0), row("tf2_graph", 9)], MNIST)) == {"not measured"}
