"""The benign ensemble: who is in it, how far it walks together, and what it allows."""

import dataclasses

import numpy as np
import pytest
from small_runs import first

from jaxmlp import model
from jaxmlp.execution import Execution
from jaxmlp.program import Dense, Program
from parity.compare.trace import of_role
from parity.noise.benign import benign_variants
from parity.noise.ensemble import budget, side_by_side
from parity.subject.port import Port


def series(losses, corrects, tests):
    return {
        "losses": np.array(losses, np.float64),
        "corrects": np.array(corrects, np.int64),
        "test_steps": np.array(list(tests), np.int64),
        "test_corrects": np.array(list(tests.values()), np.int64),
    }


def test_what_the_ensemble_differs_by_sets_limits_and_horizon():
    base = series([100.0, 50.0, 25.0], [10, 20, 30], {0: 5, 2: 8})
    apart = series([100.0, 50.0 * (1 + 2e-6), 25.0 * (1 + 1e-4)], [10, 22, 30], {0: 5, 2: 11})
    allowed = budget(base, {"same": base, "apart": apart})
    assert allowed.horizon == 1
    assert allowed.loss_limits == pytest.approx([2e-6, 6e-6, 3e-4], rel=1e-6)
    assert allowed.correct_limits.tolist() == [3.5, 6.5, 6.5], "what came apart once may stay apart"
    assert allowed.test_limits == {0: 3.5, 2: 9.5}
    assert allowed.variants == ("same", "apart")


def test_eight_variants_round_otherwise_and_start_from_the_same_weights_or_their_neighbours(cpu, digits):
    program, dataset = Program((Dense(16),), seed=5, steps=2), first(digits, 40, 10)
    variants = benign_variants(program, dataset, cpu, free=True)
    assert len({variant.name for variant in variants}) == 8
    drawn = model.named(model.init(program, 784, 10))
    moved = 0
    for variant in variants:
        for name, array in of_role(variant.start(), "weights").items():
            units = np.abs(array.astype(np.float64) - drawn[name]) / np.spacing(np.abs(drawn[name]))
            assert units.max() <= 1
            assert not array[drawn[name] == 0].any(), "biases that are zero stay so"
            moved += bool(units.any())
    assert moved == 4, "both weight matrices of the two that start one unit away"


def test_the_benign_ensemble_walks_side_by_side_and_stops_where_it_parts(cpu, digits):
    program, dataset = Program((Dense(16),), seed=5, steps=4, report_every=2), first(digits, 40, 10)
    base = Port.of(program, dataset, cpu, Execution("dense", "float32"))
    said = []
    together = side_by_side(base, [Port.of(program, dataset, cpu, Execution("staircase", "float32"))], said.append)
    assert budget(*together).horizon == 3
    assert len(said) == 4
    rate = dataclasses.replace(program.optimizer, learning_rate=program.optimizer.learning_rate * 1.01)
    faster = dataclasses.replace(program, optimizer=rate)
    apart = side_by_side(base, [Port.of(faster, dataset, cpu, Execution("dense", "float32"))], said.append)
    assert budget(*apart).horizon == 0
    assert [len(run["losses"]) for run in (apart[0], *apart[1].values())] == [2, 2]
    assert apart[0]["test_steps"].tolist() == [0]
