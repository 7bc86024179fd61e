"""The port that is written of a script: proven before it is handed over, and as a person would have written it."""

import ast
import re
import subprocess
import sys

import numpy as np
import pytest

from jaxmlp import program_file
from jaxmlp.program import ClipByGlobalNorm, SigmoidCrossEntropy
from parity.__main__ import main
from parity.commands.adopt import held_against
from parity.commands.adopted_mutants import own_step
from parity.compare.recorded import file
from parity.compare.recorded.limits import StepLimits
from parity.compare.recorded.raw import of_folder
from parity.mutants.foreign.hunt import hunt, summary
from parity.subject.graph.graph import Graph
from parity.subject.port_writer import arithmetic, read, reductions
from parity.subject.port_writer.expression import NotWritten
from parity.subject.port_writer.module import Port
from parity.subject.port_writer.proven import configured, rewritten, step_of

SCRIPTS = (
    "raw_weights_adam",
    "layers_dropout",
    "ema_l2_decay",
    "naive_log_loss",
    "dataset_iterator",
    "app_flags",
    "frozen_judge",
    "picked_actions",
)
# What no port returns: variables that a script does not train, and what leads to a loss in two ways.
LEFT_OUT = {"frozen_judge": {"judge"}, "picked_actions": {"logits"}}
STEPS = (0, 5)
RUFF = [sys.executable, "-m", "ruff"]
LINE = ["--isolated", "--line-length", "120"]


def raw(record, name):
    """The folder of a script's raw recording."""
    return record.folder(f"{name}.py")


def few(recording):
    """Without limits, two steps of each program: to sample more takes longer."""

    def steps(program):
        chosen = {step: one for step, one in program.trace.steps.items() if step in STEPS}
        fields = {**program.fields, "steps": list(chosen)}
        return program._replace(fields=fields, trace=program.trace._replace(steps=chosen))

    return recording._replace(programs=list(map(steps, recording.programs)))


@pytest.fixture(scope="session")
def adopted(record):
    """A script's recording with limits, its graph proven; each once."""
    made = {}

    def of(name):
        if name not in made:
            made[name], held = held_against(few(of_folder(raw(record, name))))
            assert all(one.proof and one.proof.proven for one in held), [one.verdict for one in held]
        return made[name]

    return of


@pytest.fixture(scope="session")
def ports(adopted):
    """The port of a script's only program."""
    made = {}

    def of(name):
        if name not in made:
            made[name] = rewritten(adopted(name), 0, f"adopted/{name}", "port")
            assert made[name].port, made[name].verdict
        return made[name]

    return of


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_port_is_proven_before_it_is_handed_over(ports, name):
    assert ports(name).proof.proven, ports(name).verdict
    assert {one.tensor.partition("/")[0] for one in ports(name).proof.not_compared} == LEFT_OUT.get(name, set())


def test_a_port_takes_variables_that_it_does_not_train_from_the_slots(ports):
    port = ports("frozen_judge")
    assert port.proof.proven, port.verdict
    assert "def loss(weights, slots, " in port.port.text


def test_layers_that_are_not_trained_are_no_program_of_the_family(adopted):
    assert configured(adopted("frozen_judge"), 0).verdict == "none: a layer that is not trained: judge/hidden/kernel"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_port_is_formatted_short_and_imports_little(ports, name, tmp_path):
    text = ports(name).port.text
    (tmp_path / "port.py").write_text(text)
    for command in (["format", "--check", *LINE], ["check", "--select", "E,F,W,I,B,UP,RUF,SIM", *LINE]):
        done = subprocess.run([*RUFF, *command, "port.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
    imported = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {getattr(node, "module", None) or node.names[0].name for node in imported}
    assert names <= {"jax", "jax.numpy", "numpy", "optax", "jaxmlp.tf1", "pathlib"}
    assert len(text.splitlines()) < 75
    functions = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    assert {"loss", "step"} <= functions


def test_a_port_says_what_it_is_of_and_how_to_prove_it_without_a_path(ports, record):
    text = ports("app_flags").port.text
    told = ast.get_docstring(ast.parse(text))
    assert told.startswith("The training step of app_flags.py, ported from TensorFlow 1.15.5 to JAX.")
    assert "python -m parity prove adopted/app_flags --step port:step" in told
    assert str(record.root) not in text


def test_a_port_names_what_the_script_left_without_a_name(ports):
    text = ports("raw_weights_adam").port.text
    assert 'w1, b1 = weights["Variable"], weights["Variable_2"]' in text
    assert "hidden = jax.nn.relu(x @ w1 + b1)" in text
    assert "optimizers.adam(learning_rate=0.01)" in text


def test_a_port_says_in_a_line_what_a_graph_says_in_twenty(ports):
    decayed = ports("ema_l2_decay").port.text
    assert 'rate = 0.5 * 0.9 ** jnp.floor(slots["Variable_4"] / 2)' in decayed
    assert 'penalty = 0.001 * sum(losses.l2_loss(weights[name]) for name in ("Variable", "Variable_2"))' in decayed
    assert "clipping.clip_by_global_norm(grads, 0.01)" in ports("app_flags").port.text
    assert "dropout.apply(jax.nn.relu(" in ports("layers_dropout").port.text
    assert "jax.nn.one_hot(y, 4)" in ports("dataset_iterator").port.text


def test_a_port_picks_and_fills_as_a_person_would(ports):
    text = ports("picked_actions").port.text
    assert "jnp.arange(probabilities.shape[0]) * probabilities.shape[1] + action" in text
    assert "told[:, 1:][:, 0]" in text
    assert ".sum() / told.shape[0]" in text
    assert "optax.sigmoid_binary_cross_entropy(total, jnp.ones_like(total)).mean()" in text


def test_a_program_with_a_loop_is_proven_and_not_rewritten(adopted):
    found = rewritten(adopted("recurrent_lengths"), 0, "adopted/train", "port")
    assert found.port is None
    assert found.why.startswith("Exit ")


def test_what_no_python_is_written_for_is_told(record):
    recording = few(of_folder(raw(record, "backprop_by_hand")))
    graph = recording.graphs[0]
    with pytest.raises(NotWritten, match="other than one call of tf"):
        read.read_of(Graph(graph.nodes, graph.constants, graph.functions), recording.programs[0])


@pytest.mark.parametrize(
    ("op", "rule", "why"),
    [
        ("Relu", arithmetic.function("jnp.tanh"), "DIFFERENT: first at T1 loss"),
        ("Mean", reductions.reduction("sum"), "DIFFERENT: first at T1 loss"),
        ("Relu", None, r"^Relu Relu \(raw_weights_adam.py:\d+\)$"),
    ],
)
def test_a_port_that_is_wrong_is_not_handed_over(adopted, monkeypatch, op, rule, why):
    rules = {name: one for name, one in {**read.RULES, op: rule}.items() if one}
    monkeypatch.setattr(read, "RULES", rules)
    found = rewritten(adopted("raw_weights_adam"), 0, "adopted/train", "port")
    assert found.port is None
    assert re.search(why, found.why), found.why


def test_a_program_of_the_family_is_proven_on_jaxmlps_own_engine(adopted):
    found = configured(adopted("app_flags"), 0)
    assert found.program, found.verdict
    assert found.program.loss == SigmoidCrossEntropy()
    assert found.program.clipping == ClipByGlobalNorm(0.01)
    assert [layer.units for layer in found.program.layers] == [5]
    assert (found.program.optimizer.learning_rate, found.program.scale) == (0.01, 255)


def test_zeros_and_ones_that_nobody_divided_are_taken_as_they_were_fed(adopted):
    found = configured(adopted("parity_bits"), 0)
    assert found.program, found.verdict
    assert found.program.scale == 1


@pytest.mark.parametrize(
    ("name", "why"), [("naive_log_loss", "a loss that is no mean over a batch"), ("layers_dropout", "no pixels")]
)
def test_what_no_program_of_the_family_has_is_told(adopted, name, why):
    assert why in configured(adopted(name), 0).verdict


def test_program_toml_is_proven_by_the_command_and_another_is_found_out(adopted, tmp_path, capsys):
    recording = adopted("app_flags")
    (tmp_path / file.NAME).write_bytes(file.to_bytes(recording))
    text = program_file.text(configured(recording, 0).program)
    (tmp_path / "program.toml").write_text(text)
    (tmp_path / "other.toml").write_text(text.replace("learning_rate = 0.01", "learning_rate = 0.011"))
    told = ["prove", str(tmp_path), "--out", str(tmp_path / "out"), "--program"]
    assert main([*told, str(tmp_path / "program.toml")]) == 0
    assert "program.toml: PROVEN" in capsys.readouterr().out
    assert main([*told, str(tmp_path / "other.toml")]) == 1
    assert "the learning rate is 1.1 times TensorFlow's" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["raw_weights_adam", "ema_l2_decay", "layers_dropout"])
def test_every_usual_mistake_is_found_out(adopted, ports, name):
    fates = list(hunt(adopted(name), 0, step_of(ports(name).port)))
    assert len(fates) > 15
    assert [one.name for one in fates if not one.killed] == []


def test_mistakes_are_planted_into_the_graphs_own_step_where_there_is_no_port(adopted):
    fates = list(hunt(adopted("naive_log_loss"), 0, own_step(adopted("naive_log_loss"), 0)))
    assert summary(fates) == f"{len(fates)} of {len(fates)} usual mistakes, planted into it, are found out"


def test_a_limit_that_proves_nothing_is_told(adopted, ports):
    def vast(limits):
        return StepLimits({key: one._replace(norm=1e9) for key, one in limits.spreads.items()})

    recording = adopted("raw_weights_adam")
    (program,) = recording.programs
    loose = program._replace(limits={step: vast(one) for step, one in program.limits.items()})
    fates = list(hunt(recording._replace(programs=[loose]), 0, step_of(ports("raw_weights_adam").port)))
    survived = [one for one in fates if not one.killed]
    assert any("1/N is forgotten" in one.name for one in survived)
    assert "(this limit proves nothing here)" in summary(fates)


def test_adopt_writes_the_port_and_the_commands_prove_and_hunt_in_it(record, tmp_path, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "port", raising=False)
    folder = tmp_path / "adopted"
    assert main(["adopt", str(raw(record, "naive_log_loss")), "--out", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "usual mistakes, planted into it, are found out" in told
    assert "program.toml: none: a loss that is no mean over a batch" in told
    assert (folder / "port.py").is_file()
    assert main(["prove", str(folder), "--step", "port:step"]) == 0
    assert main(["mutants", str(folder), "--only", "1/N", "--json", str(tmp_path / "found.json")]) == 0
    assert "killed at T1 loss" in capsys.readouterr().out
    monkeypatch.delitem(sys.modules, "port")


def test_arrays_of_the_graph_stand_in_a_file_beside_the_port(rng):
    port = Port('DATA = dict(np.load(Path(__file__).with_suffix(".npz")))\n', {"x": rng.random(3)}, ())
    text = f'import numpy as np\nfrom pathlib import Path\n{port.text}step = DATA["x"].sum\n'
    assert np.isclose(step_of(port._replace(text=text))(), port.arrays["x"].sum())
