"""Every program of the family from flat options, typed or in a file; whatever contradicts itself is refused by name."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from programs import any_program, drawn

from jaxmlp import command_line, config_file, presets, train
from jaxmlp import program as parts
from jaxmlp.errors import ConfigError
from jaxmlp.program import Dense, Output, Program
from jaxmlp.program_options import ProgramOptions

ORIGINAL = Program(report_every=None)


def parse(*arguments: object) -> Program:
    words = [str(argument) for argument in arguments]
    return command_line.parse(train.TrainOptions, words, "train", "").computed.program()


def of_file(tmp_path: Path, content: str, *arguments: object) -> Program:
    (tmp_path / "run.toml").write_text(content)
    return parse("--config", tmp_path / "run.toml", *arguments)


def of_kind(name: str, prefix: str, part: Any) -> dict[str, Any]:
    """The options that ask for a part: its kind, and its fields that are no parts themselves."""
    fields = dataclasses.fields(part) if part else ()
    own = {f"{prefix}{field.name}": getattr(part, field.name) for field in fields}
    return {name: part.kind if part else "none", **{n: v for n, v in own.items() if not dataclasses.is_dataclass(v)}}


def options_of(program: Program) -> dict[str, Any]:
    """Every option of a program whose layers begin alike."""
    asked = of_kind("kernel", "weight_", program.output.kernel) | of_kind("bias", "bias_", program.output.bias)
    asked |= of_kind("loss", "loss_", program.loss) | of_kind("optimizer", "", program.optimizer)
    if dataclasses.is_dataclass(rate := program.optimizer.learning_rate):
        asked |= of_kind("schedule", "", rate)
    asked |= {"layers": tuple(layer.units for layer in program.layers), "output_activation": program.output.activation}
    if program.layers:
        asked |= {name: tuple(getattr(one, name) for one in program.layers) for name in ("activation", "keep_prob")}
    if program.l2:
        asked |= {"l2": program.l2.scale, "l2_biases": program.l2.biases}
    if program.clipping:
        numbers = dataclasses.astuple(program.clipping)
        asked[f"clip_{program.clipping.kind}"] = numbers if len(numbers) > 1 else numbers[0]
    if program.batching:
        asked |= {"batch_size" if name == "size" else name: one for name, one in vars(program.batching).items()}
    for name in ("scale", "input_keep_prob", "evaluation_draws", "steps", "report_every", "seed"):
        asked[name] = getattr(program, name)
    return {name: value for name, value in asked.items() if value is not None}


def typed(asked: dict[str, Any]) -> list[str]:
    words: list[str] = []
    for name, value in asked.items():
        values = value if isinstance(value, tuple) else (value,)
        words += [f"--{name.replace('_', '-')}", *(str(one).lower() for one in values)]
    return words


@pytest.fixture
def alike(rng) -> list[Program]:
    """Programs of the whole family, all layers of each beginning alike."""
    found = []
    for _ in range(6):
        kernel, bias = drawn(rng, parts.Initializer), None if rng.random() < 0.2 else drawn(rng, parts.Bias)
        program = any_program(rng, output=Output(kernel, bias, "tanh"))
        layers = tuple(dataclasses.replace(layer, kernel=kernel, bias=bias) for layer in program.layers)
        found.append(dataclasses.replace(program, layers=layers))
    return found


def test_every_program_can_be_typed(alike):
    for program in alike:
        assert parse(*typed(options_of(program))) == program


def test_every_program_can_be_options_of_a_file(alike, tmp_path):
    for program in alike:
        asked = {name: list(one) if isinstance(one, tuple) else one for name, one in options_of(program).items()}
        content = "".join(f"{name} = {json.dumps(one)}\n" for name, one in asked.items())
        assert of_file(tmp_path, content) == program


def test_every_field_of_every_kind_is_an_option():
    asked = config_file.names(ProgramOptions)
    prefixes = {parts.Optimizer: "", parts.Schedule: "", parts.Loss: "loss_", parts.Initializer: "weight_"}
    for union, prefix in {**prefixes, parts.Bias: "bias_"}.items():
        for kind in get_args(union):
            names = {field.name for field in dataclasses.fields(kind)} - {"learning_rate"}
            assert {f"{prefix}{name}" for name in names} <= asked


def test_without_options_it_is_the_original():
    assert parse() == ORIGINAL
    assert parse().settled(60_000) == Program()
    assert presets.load("original") == Program()


def test_of_the_same_kind_what_is_not_given_is_kept_and_of_another_it_is_that_kinds_default():
    preset = presets.load("udacity-l2-dropout-decay")
    rate = preset.optimizer.learning_rate
    assert parse("--preset", "udacity-l2-dropout-decay", "--learning-rate", 0.1).optimizer.learning_rate == (
        dataclasses.replace(rate, learning_rate=0.1)
    )
    slower = parse("--preset", "udacity-l2-dropout-decay", "--decay-rate", 0.5, "--staircase", "false")
    assert slower.optimizer.learning_rate == dataclasses.replace(rate, decay_rate=0.5, staircase=False)
    assert parse("--preset", "udacity-l2-dropout-decay", "--optimizer", "adam").optimizer == parts.Adam(rate)
    plain = parse("--preset", "udacity-l2-dropout-decay", "--schedule", "none", "--l2", 0, "--keep-prob", 1)
    assert (plain.optimizer, plain.l2, plain.layers) == (parts.GradientDescent(0.5), None, (Dense(1024),))
    cosine = ["--preset", "glorot-adam", "--schedule", "cosine_decay", "--decay-steps", 9]
    assert parse(*cosine).optimizer == parts.Adam(parts.CosineDecay(0.001, 9))
    assert parse("--optimizer", "adam") == dataclasses.replace(ORIGINAL, optimizer=parts.Adam())


def test_layers_that_are_added_are_as_the_last_one():
    first, *_, last = presets.load("fully-connected-feed").layers
    layers = parse(
        "--preset", "fully-connected-feed", "--layers", 9, 8, 7, "--activation", "elu", "relu", "tanh"
    ).layers
    assert [(one.units, one.activation) for one in layers] == [(9, "elu"), (8, "relu"), (7, "tanh")]
    assert [one.kernel for one in layers] == [first.kernel, last.kernel, last.kernel]
    assert parse("--layers").layers == ()
    assert parse("--preset", "softmax-regression", "--hidden", 5).layers == (Dense(5),)


def test_epochs_take_the_place_of_a_presets_steps_and_the_other_way_round():
    assert (parse("--preset", "softmax-regression", "--epochs", 2).settled(10_000)).steps == 2 * 50
    assert parse("--preset", "glorot-adam", "--steps", 5).settled(10_000).steps == 5


@pytest.mark.parametrize(
    ("content", "arguments", "same"),
    [
        ("epochs = 3\nbatch-size = 9\n", ["--steps", 4], ["--batch-size", 9, "--steps", 4]),
        ("hidden = 9\n", ["--layers", 4, 5], ["--layers", 4, 5]),
        ("clip-norm = 9.0\n", ["--clip-value", -1, 1], ["--clip-value", -1, 1]),
        ('preset = "glorot-adam"\n', ["--preset", "rmsprop-dropout"], ["--preset", "rmsprop-dropout"]),
        ("[program]\nscale = 255\n", ["--preset", "rmsprop-dropout"], ["--preset", "rmsprop-dropout"]),
        ("[optimizer]\nlearning-rate = 9\n", ["--learning-rate", 1], ["--learning-rate", 1]),
    ],
)
def test_the_command_line_wins_over_a_file_that_says_the_same_in_other_words(tmp_path, content, arguments, same):
    assert of_file(tmp_path, content, *arguments) == parse(*same)


def test_a_file_of_options_may_hold_a_whole_program_or_name_one(tmp_path):
    content = '[program]\nscale = 255\n[[program.layers]]\nunits = 3\nbias = "none"\n'
    expected = dataclasses.replace(ORIGINAL, scale=255, layers=(Dense(3, bias=None),), seed=5)
    assert of_file(tmp_path, content, "--seed", 5) == expected
    (tmp_path / "whole.toml").write_text(content)
    assert of_file(tmp_path, f"program = '{tmp_path / 'whole.toml'}'\nseed = 5\n") == expected


REFUSED = [
    ("--rho 3", "--rho is of adadelta; the optimizer is gradient_descent"),
    ("--optimizer adam --rho 3", "--rho is of adadelta; the optimizer is adam"),
    ("--optimizer momentum", "the optimizer momentum needs --learning-rate"),
    ("--optimizer adma", "must be one of gradient_descent, .*; did you mean adam?"),
    ("--optimizer adam --beta1 2", "beta1 = 2.0 is impossible: it must be a number from 0 to 1"),
    ("--optimizer adam --learning-rate -1", "learning_rate = -1.0 is impossible"),
    ("--learning-rate fast", "--learning-rate: 'fast' is no number"),
    ("--schedule exponential_decay --decay-rate 0.9", "exponential_decay needs --learning-rate, --decay-steps"),
    ("--decay-rate 0.9", "--decay-rate is of exponential_decay, .*; the schedule is none"),
    ("--schedule cosine --learning-rate 1", "did you mean cosine_decay?"),
    (
        "--schedule piecewise_constant --boundaries 5 --values 1 2 --learning-rate 1",
        "--learning-rate contradicts the schedule piecewise_constant, whose rates are --values",
    ),
    ("--schedule piecewise_constant --boundaries 5 --values 1", "values = [1.0] is impossible: it must be 2 rates"),
    ("--schedule piecewise_constant --values 1", "the schedule piecewise_constant needs --boundaries"),
    ("--schedule piecewise_constant --boundaries 5 5 --values 1 2 3", "boundaries = [5, 5] is impossible"),
    ("--schedule triangular --learning-rate 1 --max-learning-rate 0.5 --step-size 3", "max_learning_rate = 0.5 is"),
    ("--loss hubr", "did you mean huber?"),
    ("--loss-delta 2", "--loss-delta is of huber; the loss is softmax_cross_entropy"),
    ("--loss log_loss --loss-epsilon 0", "loss_epsilon = 0.0 is impossible"),
    ("--loss log_loss --loss-of logits", "loss_of = 'logits' is impossible: it must be one of softmax, sigmoid"),
    ("--epsilon 1", "--epsilon is of adam, rmsprop, adadelta; the optimizer is gradient_descent"),
    ("--kernel glorot", "did you mean glorot_normal?"),
    ("--kernel zeros --weight-stddev 1", "--weight-stddev is of truncated_normal, random_normal; the kernel is zeros"),
    ("--weight-minval 1", "--weight-minval is of random_uniform; the kernel is truncated_normal"),
    ("--weight-stddev -1", "weight_stddev = -1.0 is impossible: it must be a positive number"),
    ("--kernel random_uniform --weight-minval 1", "weight_maxval = 1.0 is impossible: it must be above minval, 1"),
    ("--bias none --bias-value 1", "--bias-value is of constant; the bias is none"),
    ("--bias glorot_normal", "--bias glorot_normal is impossible: it must be one of zeros,"),
    ("--hidden 3 --layers 4", "--hidden and --layers contradict each other: give one"),
    ("--hidden 0", "hidden = 0 is impossible: it must be a whole number from 1 up"),
    ("--layers 3 0", "layers = [3, 0] is impossible: it must be whole numbers from 1 up, or none"),
    ("--layers 3 x", "--layers: 'x' is no whole number"),
    ("--layers 3 4 5 --activation relu tanh", "must be one value, or 3: one for each hidden layer"),
    ("--activation relu tanh", "must be one value, for the one hidden layer"),
    ("--activation rleu", "did you mean relu?"),
    ("--layers --activation relu", "activation = ['relu'] is impossible: it must be left out"),
    ("--output-activation softmax", "--output-activation softmax is impossible: it must be one of relu,"),
    ("--keep-prob 0", "keep_prob = 0.0 is impossible: it must be above 0 and at most 1"),
    ("--keep-prob", "keep_prob = [] is impossible"),
    ("--input-keep-prob 1.5", "input_keep_prob = 1.5 is impossible"),
    ("--scale 0", "scale = 0 is impossible"),
    ("--l2 -1", "l2 = -1.0 is impossible"),
    ("--l2-biases", "--l2-biases is of the L2 penalty, and there is none: add --l2"),
    ("--l2 1 --l2-biases maybe", "--l2-biases maybe is impossible: it must be one of true, false"),
    ("--clip-norm 1 --clip-value -1 1", "--clip-norm and --clip-value contradict each other: give one"),
    ("--clip-value 1", "--clip-value"),
    ("--clip-value 1 -1", "clip_value_max = -1.0 is impossible: it must be above clip_value_min, 1"),
    ("--clip-global-norm 0", "clip_global_norm = 0.0 is impossible"),
    ("--epochs 2 --steps 3", "--epochs and --steps contradict each other: give one"),
    ("--epochs 0", "epochs = 0 is impossible"),
    ("--report-every 0", "report_every = 0 is impossible"),
    ("--batch-size 0", "batch_size = 0 is impossible"),
    ("--order shuffled", "--order: of minibatches, and there are none: add --batch-size"),
    ("--batch-size 9 --order shufled", "did you mean shuffled?"),
    ("--batch-size 9 --validation -1", "validation = -1 is impossible"),
    ("--preset glorotadam", "did you mean glorot-adam?"),
    ("--preset original --program x.toml", "x.toml cannot be read"),
    ("--program no-such.toml", "no-such.toml cannot be read: No such file"),
    ("--schedul none", "unknown option --schedul; did you mean --schedule?"),
    ("--batch-size 301 --data generated:300", "batch_size = 301 is impossible: it must be at most 300"),
    ("--preset softmax-regression --data generated:300", "validation = 5000 is impossible: it must be below 300"),
]


@pytest.mark.parametrize(("arguments", "complaint"), REFUSED, ids=[arguments for arguments, _ in REFUSED])
def test_bad_options_are_refused_in_one_line_that_names_them(tmp_path, monkeypatch, capsys, arguments, complaint):
    monkeypatch.chdir(tmp_path)
    assert train.main(arguments.split()) == 2
    printed = capsys.readouterr()
    assert re.search(re.escape(complaint).replace(re.escape(".*"), ".*"), printed.err)
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('optimizer = "adma"', "optimizer = 'adma' is impossible: it must be one of .*; did you mean adam?"),
        ("rho = 3", "--rho is of adadelta; the optimizer is gradient_descent"),
        ("layers = 3", "layers = 3 is impossible: it must be a list"),
        ("layers = ['a']", "layers = 'a' is impossible: it must be int"),
        ("activation = ['rleu']", "activation = 'rleu' is impossible: .*; did you mean relu?"),
        ("clip-value = [1.0]", "clip_value = [1.0] is impossible: it must be a list of 2"),
        ("l2-biases = 1", "l2_biases = 1 is impossible: it must be bool"),
        ("epochs = 2\nsteps = 3", "--epochs and --steps contradict each other"),
        ("[optimizer]\nrhoo = 3", "unknown key of [optimizer] 'rhoo'; did you mean rho?"),
        ("program = 8", "program = 8 is impossible: it must be a table of a program's fields"),
        ("[program]\nscale = 0", "program.scale = 0 is impossible"),
    ],
)
def test_bad_options_of_a_file_are_refused_by_file_and_name(tmp_path, content, complaint):
    pattern = re.escape(f"run.toml: {complaint}").replace(re.escape(".*"), ".*")
    with pytest.raises(ConfigError, match=pattern):
        of_file(tmp_path, content)


def test_a_mistake_does_not_wait_for_jax():
    code = (
        "import sys\nfrom jaxmlp import train\nassert train.main(sys.argv[1:]) == 2\nassert 'jax' not in sys.modules\n"
    )
    words = ["--optimizer", "adam", "--rho", "3"]
    subprocess.run([sys.executable, "-c", code, *words], check=True, capture_output=True)


@pytest.mark.parametrize("columns", ["80", "120"])
def test_help_says_of_every_option_what_it_is(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit):
        train.main(["--help"])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines()[3:])) <= int(columns)
    for name in config_file.names(ProgramOptions):
        assert re.search(rf"^\W*--{name.replace('_', '-')} ", printed, re.MULTILINE), name
    assert "of adam, adadelta (1e-08), rmsprop (1e-10)" in " ".join(re.sub("│", " ", printed).split())
    assert "None" not in printed.partition("program options")[2].partition("execution options")[0]
