"""Every real peer computes every program's steps, and those for TensorFlow 1.15 stay readable to Python 3.7."""

import ast
import dataclasses
import tomllib
from pathlib import Path
from typing import get_args

import jax
import numpy as np
import pytest

from bench import lineup, programs, throughput
from bench.contender import ROOT, Contender
from bench.lineup import PEERS, Peer
from bench.peers import ours, ours_minibatch
from bench.peers.protocol import load
from bench.workload import Workload, first, write
from jaxmlp import placement, trainer
from jaxmlp.data.generated import generated_digits
from jaxmlp.engine import Dense
from jaxmlp.execution import Execution

SLOW = {"tf2_graph", "tf2_xla", "tf115", "torch_eager", "torch_compile", "keras_jax"}  # seconds to minutes to start
MARKED = [pytest.param(peer, marks=pytest.mark.full if peer.name in SLOW else (), id=peer.name) for peer in PEERS]
FOR_PYTHON_37 = ("__init__", "peers/__init__", "peers/protocol", "peers/tf115", "peers/tf115_original")


@pytest.mark.parametrize("peer", MARKED)
def test_peer_computes_the_same_losses_and_counts_as_jaxmlp(peer, problem, rows):
    if reason := peer.missing():
        pytest.skip(f"not installed: {reason}")
    contender = Contender(peer, problem)
    try:
        answer = contender.run(5, 1)
    finally:
        contender.close()
    np.testing.assert_allclose(answer["losses"], rows["jaxmlp dense"].losses, rtol=1e-4)
    np.testing.assert_allclose(answer["correct"], rows["jaxmlp dense"].correct, atol=1)


IN_MINIBATCHES = [name for name in get_args(programs.Name) if name != programs.ORIGINAL]
FEW = {"adam128": 700}  # images; the presets leave 5,000 out for validation


@pytest.fixture(scope="module")
def minibatches(tmp_path_factory):
    """By program: the workload, the folder of its problem, and what ours measures in the first steps."""

    def solved(name: str):
        images, hidden = FEW.get(name, 5_600), 24 if name == "adam128" else None
        work = Workload(f"generated:{images}", images, hidden, 10, "cpu", name)
        folder = tmp_path_factory.mktemp(name)
        write(folder, first(generated_digits(images, seed=len(name)), None), work)
        return work, folder, ours_minibatch.start(load(folder))(throughput.CHECKED_STEPS)

    return {name: solved(name) for name in IN_MINIBATCHES}


@pytest.mark.parametrize("program", IN_MINIBATCHES)
@pytest.mark.parametrize("peer", MARKED)
def test_peer_computes_the_same_minibatch_steps_as_jaxmlp(peer, program, minibatches):
    if reason := peer.missing():
        pytest.skip(f"not installed: {reason}")
    work, folder, right = minibatches[program]
    losses, correct = zip(*right, strict=True)
    with Contender(peer, folder) as contender:
        answer = contender.run(len(right), 1)
    np.testing.assert_allclose(answer["losses"], losses, rtol=work.agreement.loss)
    np.testing.assert_allclose(answer["correct"], correct, atol=1)


@pytest.mark.parametrize("program", IN_MINIBATCHES)
def test_ours_trains_the_very_program(program, minibatches):
    """Its losses are those of `trainer.Run`, which draws weights and rows itself."""
    work, _, right = minibatches[program]
    dataset, cpu = generated_digits(work.images, seed=len(program)), jax.devices("cpu")[0]
    one = dataclasses.replace(work.trained, epochs=None, steps=len(right))
    run = trainer.Run(one, placement.place_for(one, Execution(), dataset, cpu))
    np.testing.assert_allclose([report.loss for report in run], [loss for loss, _ in right], rtol=1e-6)


def test_layout_that_jaxmlp_does_not_select_is_refused_and_not_timed_under_its_name(problem, monkeypatch):
    monkeypatch.setattr(ours, "select", lambda config, device, images: Dense("float32", 100))
    with pytest.raises(RuntimeError, match=r"layout staircase was asked for, but .* gives Dense"):
        ours.engine_of(load(problem, ["layout=staircase"]), device=None)


@pytest.mark.parametrize("file", FOR_PYTHON_37)
def test_file_for_tensorflow_1_parses_as_python_3_7(file):
    path = Path(ROOT, "bench", f"{file}.py")
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))


def test_every_peer_file_is_in_the_lineup_and_says_what_was_tried():
    files = {peer.module.rsplit(".", 1)[1] for peer in PEERS}
    for name in files:
        text = Path(ROOT, "bench", "peers", f"{name}.py").read_text(encoding="utf-8")
        assert "Tried" in (ast.get_docstring(ast.parse(text)) or ""), name
    not_peers = {
        "__init__",
        "protocol",
        "jax_device",
        "arithmetic",
        "ours",
        "ours_many",
        "ours_minibatch",
        "tf115_original",
    }
    assert {path.stem for path in Path(ROOT, "bench", "peers").glob("*.py")} - not_peers == files


def test_peer_names_the_libraries_that_are_missing():
    assert Peer("x", "x", needs=("json", "no_such_library")).missing() == "no_such_library"
    assert Peer("x", "x", needs=("json",)).missing() == ""


@pytest.mark.parametrize(
    ("device", "there", "command"),
    [
        ("cpu", set(), "pip install -e '.[bench,parity]' torch==2.13.0 && python -m parity setup"),
        ("cpu", {"torch", "tensorflow"}, "pip install -e '.[bench]' && python -m parity setup"),
        ("cpu", {"torch", "flax", "keras"}, "pip install -e '.[parity]' && python -m parity setup"),
        ("gpu", set(), "pip install -e '.[bench,parity]' 'tensorflow[and-cuda]'"),
        ("tpu", {"flax"}, "pip install -e '.[bench]'"),
        ("tpu", {"flax", "keras"}, ""),
    ],
)
def test_one_command_brings_all_that_is_missing_for_a_device(device, there, command, monkeypatch, tmp_path):
    monkeypatch.setenv("PARITY_TF115", str(tmp_path))
    monkeypatch.setattr(lineup.importlib.util, "find_spec", lambda name: name if name in there else None)
    assert lineup.install_command(device) == command


def test_extras_that_the_command_names_hold_every_library_that_a_peer_needs():
    extras = tomllib.loads(Path(ROOT, "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for peer in PEERS:
        for name in peer.needs:
            assert any(line.startswith(name) for line in extras[peer.extra]), f"{name} is not in {peer.extra}"
