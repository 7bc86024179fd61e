"""A run that goes on: the same bytes as one that was never interrupted; what is another run is refused by name."""

import dataclasses
import json
from typing import Any, get_args

import numpy as np
import pytest
from durability import counted
from kept_runs import DIGITS, RICH, final, stop, train
from programs import any_program, drawn, of_kind

from jaxmlp import program as parts
from jaxmlp.data.generated import generated_digits
from jaxmlp.errors import ConfigError, DataError, OutputError
from jaxmlp.execution import Execution
from jaxmlp.program import ORDERS, Batching, Dense, GradientDescent, Program
from jaxmlp.run import checkpoint, checkpoints, resume, session, status
from jaxmlp.run.model_file import read_model
from jaxmlp.run.tensor_file import digest

SMALL = Program((Dense(4),), optimizer=GradientDescent(1e-5), steps=7, report_every=3)


def goes_on_to_the_bit(program: Program, tmp_path, asks: int, **how: Any) -> None:
    assert train(program, tmp_path / "whole", **how) == 0
    assert stop(program, asks, out=tmp_path / "part", **how) == 130
    cut = (tmp_path / "part/metrics.jsonl").read_text().splitlines()
    assert 0 < len(cut) < program.settled(len(DIGITS.train.labels)).steps, "it was not interrupted"
    assert train(program, resume=tmp_path / "part", **how) == 0
    assert final(tmp_path / "part") == final(tmp_path / "whole")


def test_dropout_a_schedule_and_shuffled_minibatches_go_on_to_the_bit(tmp_path, capsys):
    goes_on_to_the_bit(RICH, tmp_path, 2)


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_of_minibatches_goes_on_to_the_bit(order, tmp_path, rng, capsys):
    batching = Batching(int(rng.integers(7, 30)), order, int(rng.integers(0, 20)))
    goes_on_to_the_bit(dataclasses.replace(SMALL, batching=batching, steps=12), tmp_path, 1)


@pytest.mark.parametrize(("layout", "screening"), [("dense", "off"), ("staircase", "off"), ("staircase", "on")])
def test_full_batches_go_on_to_the_bit(layout, screening, tmp_path, rng, capsys):
    goes_on_to_the_bit(SMALL, tmp_path, int(rng.integers(1, 6)), execution=Execution(layout, screening=screening))


def of_optimizer(rng, kind: Any) -> Program:
    """A program that updates by it, all else of it by chance, and a schedule, too."""
    own = {"optimizer": of_kind(rng, kind), "steps": 5, "report_every": 2, "batching": None, "input_keep_prob": 1.0}
    return any_program(rng, layers=(Dense(3),), loss=parts.SoftmaxCrossEntropy(), scale=255, **own)


def test_an_optimizer_by_chance_goes_on_to_the_bit(tmp_path, rng, capsys):
    optimizer = drawn(rng, parts.Optimizer)
    goes_on_to_the_bit(dataclasses.replace(SMALL, optimizer=optimizer, scale=255), tmp_path, int(rng.integers(1, 6)))


@pytest.mark.durability
@pytest.mark.parametrize("kind", get_args(parts.Optimizer), ids=lambda kind: kind.kind)
def test_every_optimizer_goes_on_to_the_bit_with_a_schedule_by_chance(kind, tmp_path, rng, capsys):
    goes_on_to_the_bit(of_optimizer(rng, kind), tmp_path, int(rng.integers(1, 4)))
    counted("an interrupt with another optimizer")


@pytest.mark.durability
@pytest.mark.parametrize("kind", get_args(parts.Schedule), ids=lambda kind: kind.kind)
def test_every_schedule_goes_on_to_the_bit(kind, tmp_path, rng, capsys):
    optimizer = GradientDescent(of_kind(rng, kind))
    goes_on_to_the_bit(dataclasses.replace(SMALL, optimizer=optimizer, scale=255), tmp_path, 3)
    counted("an interrupt with another schedule")


def test_evaluations_that_draw_go_on_to_the_bit(tmp_path, rng, capsys):
    program = dataclasses.replace(RICH, evaluation_draws=True, seed=int(rng.integers(99)))
    goes_on_to_the_bit(program, tmp_path, 1)


def test_more_steps_than_planned_are_those_of_a_run_planned_so(tmp_path, rng, capsys):
    more = dataclasses.replace(RICH, steps=RICH.steps + int(rng.integers(1, 20)))
    assert train(more, tmp_path / "long") == train(RICH, tmp_path / "short") == 0
    assert train(more, resume=tmp_path / "short") == 0
    same = final(tmp_path / "long").keys() - {"best.safetensors"}  # which says of how many steps the run was then
    assert {name: final(tmp_path / "short")[name] for name in same} == {
        name: final(tmp_path / "long")[name] for name in same
    }


def test_no_more_steps_or_fewer_are_refused_with_a_remedy(tmp_path, capsys):
    assert train(SMALL, tmp_path / "run") == 0
    before = final(tmp_path / "run")
    for steps in (7, 3):
        with pytest.raises(ConfigError, match=f"steps = {steps}: 7 are done already; ask for more, as --steps 14"):
            train(dataclasses.replace(SMALL, steps=steps), resume=tmp_path / "run")
    assert final(tmp_path / "run") == before


CHANGES = {
    "optimizer.learning_rate": {"optimizer": GradientDescent(2e-5)},
    "layers.0.units": {"layers": (Dense(5),)},
    "report_every": {"report_every": 2},
    "seed": {"seed": 8},
    "scale": {"scale": 255},
}


@pytest.mark.parametrize("field", CHANGES)
def test_another_program_is_refused_by_its_field_and_nothing_is_touched(field, tmp_path, capsys):
    stop(SMALL, 2, out=tmp_path / "run")
    before = {file: file.read_bytes() for file in (tmp_path / "run").rglob("*.*") if file.is_file()}
    with pytest.raises(ConfigError, match=rf"^{field} = .* the run was begun with .*begin a new run$"):
        train(dataclasses.replace(SMALL, **CHANGES[field]), resume=tmp_path / "run")
    assert {file: file.read_bytes() for file in (tmp_path / "run").rglob("*.*") if file.is_file()} == before


def test_other_data_and_another_layout_are_refused(tmp_path, capsys):
    stop(SMALL, 2, out=tmp_path / "run")
    with pytest.raises(ConfigError, match=r"data: .* is not the data that the run in .* was begun with"):
        train(SMALL, resume=tmp_path / "run", dataset=generated_digits(60, 4))
    with pytest.raises(ConfigError, match="layout = staircase is impossible: the run was begun with dense"):
        train(SMALL, resume=tmp_path / "run", execution=Execution("staircase"))


def test_a_newer_format_is_refused_and_not_passed_over(tmp_path, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "FORMAT", checkpoint.FORMAT + 1)
        stop(SMALL, 2, out=tmp_path / "run")
    with pytest.raises(DataError, match="is of format 2, this version reads up to 1: go on with the version"):
        train(SMALL, resume=tmp_path / "run")


def test_a_damaged_newest_checkpoint_is_passed_over_for_the_one_before(tmp_path, capsys, rng):
    assert train(RICH, tmp_path / "whole") == 0
    stop(RICH, 2, out=tmp_path / "run")
    stop(RICH, 2, resume=tmp_path / "run")
    newest, before = checkpoints.files(tmp_path / "run")
    flipped(newest, int(rng.integers(newest.stat().st_size)), 1 << int(rng.integers(8)))
    found = resume.newest(tmp_path / "run").checkpoint
    assert found is not None
    assert train(RICH, resume=tmp_path / "run") == 0
    if checkpoints.name(found.facts.steps) == before.name:  # a flipped blank may be harmless
        assert f"passed over: {newest} is" in capsys.readouterr().err
    assert final(tmp_path / "run") == final(tmp_path / "whole")
    for file in checkpoints.files(tmp_path / "run"):
        file.write_bytes(b"")
    with pytest.raises(DataError, match=r"has no whole checkpoint; passed over: .*Begin anew with --config"):
        train(dataclasses.replace(RICH, steps=99), resume=tmp_path / "run")


def flipped(file, at: int, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[at] ^= bit
    file.write_bytes(content)


def test_metrics_that_were_changed_are_noticed(tmp_path, capsys):
    stop(SMALL, 3, out=tmp_path / "run", keep=1)
    flipped(tmp_path / "run/metrics.jsonl", 20, 1)
    with pytest.raises(DataError, match=r"the first \d lines of .* are not those that the run has written"):
        train(SMALL, resume=tmp_path / "run")


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_at_its_first_step(tmp_path, capsys):
    assert train(SMALL, tmp_path / "whole") == train(SMALL, tmp_path / "run") == 0
    for file in ("ending.json", "model.safetensors", *(f"checkpoints/{n}" for n in ("best.safetensors",))):
        (tmp_path / "run" / file).unlink()
    for file in checkpoints.files(tmp_path / "run"):
        file.unlink()
    (tmp_path / "run/metrics.jsonl").write_bytes(b'{"step": 0, "lo')
    assert train(SMALL, resume=tmp_path / "run") == 0
    assert final(tmp_path / "run") == final(tmp_path / "whole")


def test_auto_is_the_unfinished_run_that_changed_last(tmp_path, capsys):
    assert stop(SMALL, 2, out=tmp_path / "b") == 130
    assert stop(SMALL, 2, out=tmp_path / "a") == 130
    assert train(SMALL, tmp_path / "c") == 0
    assert status.to_resume("auto", tmp_path) == tmp_path / "a"
    assert train(SMALL, resume=tmp_path / "a") == 0
    assert status.to_resume("auto", tmp_path) == tmp_path / "b"
    assert train(SMALL, resume=tmp_path / "b") == 0
    with pytest.raises(ConfigError, match="there is no unfinished run in"):
        status.to_resume("auto", tmp_path)
    with pytest.raises(ConfigError, match=r"resume = .*none: there is no run with a config\.json"):
        status.to_resume(str(tmp_path / "none"))


def test_a_folder_in_use_is_refused_and_that_of_a_dead_process_is_taken_over(tmp_path, capsys):
    stop(SMALL, 2, out=tmp_path / "run")
    with session.RunFolder.of_earlier(tmp_path / "run")._lock:
        with pytest.raises(OutputError, match=r"run is in use by process \d+ on .*: wait, or give another"):
            train(SMALL, resume=tmp_path / "run")
        assert [one.state for one in status.all_of(tmp_path)] == ["running"]
    (tmp_path / "run/.lock").write_text("process 1 on elsewhere\n")
    assert train(SMALL, resume=tmp_path / "run") == 0
    assert not (tmp_path / "run/.lock").exists()


def test_the_newest_are_kept_and_the_best_apart_and_each_is_a_model(tmp_path, capsys, rng):
    keep = int(rng.integers(1, 4))
    assert train(RICH, tmp_path / "run", keep=keep) == 0
    names = [file.name for file in checkpoints.files(tmp_path / "run")]
    assert 1 <= len(names) <= keep
    assert names[0] == checkpoints.name(12)
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    reported = [(line["test_accuracy"], -line["step"]) for line in lines if "test_accuracy" in line]
    best = checkpoint.read(tmp_path / "run/checkpoints/best.safetensors").facts
    assert best.best == checkpoint.Best(-max(reported)[1], max(reported)[0])
    assert best.last.step == best.best.step
    program, params = read_model(tmp_path / "run/checkpoints" / names[0])
    assert program == RICH
    for one, other in zip(params, read_model(tmp_path / "run")[1], strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)


def test_never_keeps_none(tmp_path, capsys):
    assert train(SMALL, tmp_path / "run", every="never") == 0
    assert not (tmp_path / "run/checkpoints").exists()


def test_a_digest_is_of_names_dtypes_shapes_and_bytes(rng):
    array = rng.normal(size=(2, 3)).astype(np.float32)
    known = digest({"a": 1}, {"w": array})
    assert known == digest({"a": 1}, {"w": array.copy(order="F")})
    others = [{"w": array.T}, {"v": array}, {"w": array.view(np.int32)}, {"w": -array}, {"w": array, "v": array[:0]}]
    assert len({known, digest({"a": 2}, {"w": array}), *(digest({"a": 1}, one) for one in others)}) == 7
