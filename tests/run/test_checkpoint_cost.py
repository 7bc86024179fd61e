"""What keeping a run costs it."""

import dataclasses
import time

import pytest
from kept_runs import train

from jaxmlp.program import Program
from jaxmlp.run import checkpoints
from jaxmlp.run.cadence import DEFAULT

ORIGINAL = dataclasses.replace(Program(), steps=31, report_every=10)


@pytest.mark.full
@pytest.mark.mnist
def test_checkpoints_cost_under_two_percent_of_the_original_on_mnist(tmp_path, mnist, monkeypatch, capsys):
    """Of the processor's time, where all is compiled: copies between the steps, and writing on the thread."""
    spent = {"cost": 0.0, "written": 0}

    def timed(real):
        def call(*arguments):
            started = time.thread_time()
            real(*arguments)
            spent["cost"] += time.thread_time() - started
            spent["written"] += real.__name__ == "_try_to_write"

        return call

    for name in ("_hand_over", "_try_to_write"):
        monkeypatch.setattr(checkpoints.Checkpoints, name, timed(getattr(checkpoints.Checkpoints, name)))
    assert train(dataclasses.replace(ORIGINAL, steps=1), tmp_path / "compiling", dataset=mnist) == 0
    spent.update(cost=0.0, written=0)
    started = time.process_time()
    assert train(ORIGINAL, tmp_path / "run", every=DEFAULT, dataset=mnist) == 0
    share = spent["cost"] / (time.process_time() - started)
    with capsys.disabled():
        print(f"{spent['written']} checkpoints took {100 * share:.2f} % of the processor's time")
    assert spent["written"] >= 2
    assert share < 0.02
