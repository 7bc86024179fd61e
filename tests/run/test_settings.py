"""Fields set by words: what they come to, and what is said of words and fields that mean nothing."""

import dataclasses
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from bases import Base
from programs import any_program

from jaxmlp.errors import ConfigError
from jaxmlp.program import (
    L2,
    Adam,
    Batching,
    ClipByGlobalNorm,
    ClipByValue,
    Constant,
    Dense,
    GradientDescent,
    Momentum,
    Output,
    Program,
    TruncatedNormal,
    Xavier,
)
from jaxmlp.run.settings import field_named, program_of

BASE = Base()
ORIGINAL = BASE.program()


@dataclasses.dataclass(frozen=True)
class Group:
    """A part of `Options`, flat on a command line."""

    ends: tuple[float, float] | None = None
    bias: Literal["none", "zeros"] | None = None

    @property
    def clipping(self) -> ClipByValue | None:
        return ClipByValue(*self.ends) if self.ends else None

    @property
    def output(self) -> Output:
        return Output(bias=None if self.bias == "none" else Constant(7.0))


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of another command, whose program is `made`."""

    learning_rate: float = 0.25
    layers: tuple[int, ...] = (7,)
    rates: tuple[float, ...] = ()
    fast: bool = False
    most: int | None = 3
    held: Program | None = None  # no word means one
    group: Group = dataclasses.field(default_factory=Group)

    def program(self) -> Program:
        layers = tuple(Dense(units, Xavier(), keep_prob=0.5) for units in self.layers)
        optimizer = Momentum(self.learning_rate, use_nesterov=self.fast)
        return Program(layers, self.group.output, optimizer, epochs=self.most, clipping=self.group.clipping)


@pytest.mark.parametrize(
    ("settings", "other"),
    [
        ({"optimizer.learning_rate": "3e-5"}, {"optimizer": GradientDescent(3e-5)}),
        ({"learning-rate": "3e-5"}, {"optimizer": GradientDescent(3e-5)}),
        ({"layers": "300+100"}, {"layers": (Dense(300), Dense(100))}),
        ({"layers": "none"}, {"layers": ()}),
        ({"layers": "3+4", "layers.1.activation": "tanh"}, {"layers": (Dense(3), Dense(4, activation="tanh"))}),
        ({"layers": "3+4", "layers.keep_prob": "0.5"}, {"layers": (Dense(3, keep_prob=0.5), Dense(4, keep_prob=0.5))}),
        ({"layers.bias": "none"}, {"layers": (Dense(1024, bias=None),)}),
        ({"layers.bias": "constant", "layers.0.bias.value": "0.1"}, {"layers": (Dense(1024, bias=Constant(0.1)),)}),
        ({"optimizer": "adam"}, {"optimizer": Adam()}),
        ({"optimizer": "adam", "optimizer.beta1": "0.8"}, {"optimizer": Adam(beta1=0.8)}),
        ({"optimizer": "momentum", "optimizer.use_nesterov": "true"}, {"optimizer": Momentum(1e-4, use_nesterov=True)}),
        ({"optimizer": "gradient_descent"}, {}),
        ({"l2": "1e-3", "l2.biases": "true"}, {"l2": L2(1e-3, True)}),
        ({"l2.scale": "1e-3"}, {"l2": L2(1e-3)}),
        ({"clipping.clip_norm": "5"}, {"clipping": ClipByGlobalNorm(5.0)}),
        ({"batching": "32", "batching.order": "shuffled"}, {"batching": Batching(32, "shuffled")}),
        ({"output.kernel.stddev": "0.1"}, {"output": Output(TruncatedNormal(0.1))}),
        ({"scale": "255", "input-keep-prob": "0.5"}, {"scale": 255, "input_keep_prob": 0.5}),
        ({"batching": "32", "steps": "301", "epochs": "2"}, {"batching": Batching(32), "epochs": 2}),
    ],
    ids=str,
)
def test_a_field_is_set_and_no_other(settings, other):
    assert program_of(BASE, settings) == dataclasses.replace(ORIGINAL, **other)


@dataclasses.dataclass(frozen=True)
class Holding:
    """Options whose program is any."""

    held: Program

    def program(self) -> Program:
        return self.held


def words(part: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every field below, and the word for what it holds."""
    for field in dataclasses.fields(part):
        below, value = f"{path}{field.name}", getattr(part, field.name)
        if dataclasses.is_dataclass(value):
            yield from words(value, f"{below}.")
            value = value.kind if hasattr(value, "kind") else getattr(value, dataclasses.fields(value)[0].name)
        if isinstance(value, tuple):
            for i, one in enumerate(value):
                yield from words(one, f"{below}.{i}.") if dataclasses.is_dataclass(one) else ()
            value = "+".join(str(getattr(one, "units", one)) for one in value) or "none"
        if field.name != "output":  # which has no word of its own
            yield below, str(value).lower() if value is None or isinstance(value, bool) else str(value)


def test_a_field_set_to_what_it_holds_changes_nothing_in_any_program(rng):
    for _ in range(20):
        program = any_program(rng)
        for name, word in words(program, ""):
            assert field_named(Holding(program), name).replace("-", "_") == name
            assert program_of(Holding(program), {name: word}) == program, (name, word)


def test_a_number_set_in_any_program_is_there_and_nowhere_else(rng):
    for _ in range(20):
        program = any_program(rng, layers=(Dense(3), Dense(4)))
        word = f"{rng.uniform(1e-3, 1):.4g}"
        made = program_of(Holding(program), {"optimizer.learning_rate": word, "layers.1.kernel": "xavier"})
        optimizer = dataclasses.replace(program.optimizer, learning_rate=float(word))
        layers = program.layers[0], dataclasses.replace(program.layers[1], kernel=Xavier())
        assert made == dataclasses.replace(program, optimizer=optimizer, layers=layers)


def test_options_are_read_by_their_own_types():
    settings = {"layers": "8+9", "rates": "1e+2+1e-3", "fast": "true", "most": "none", "learning-rate": "2"}
    program = program_of(Options(), settings)
    assert program.layers == (Dense(8, Xavier(), keep_prob=0.5), Dense(9, Xavier(), keep_prob=0.5))
    assert program.optimizer == Momentum(2.0, use_nesterov=True)
    assert program.epochs is None
    assert program_of(Options(), {"layers": "none", "most": "4"}).layers == ()
    grouped = program_of(Options(), {"ends": "-1+2.5e+3", "bias": "none"})
    assert (grouped.clipping, grouped.output.bias) == (ClipByValue(-1.0, 2500.0), None)
    assert program_of(Options(group=Group((-1.0, 1.0))), {"ends": "none"}).clipping is None
    for name, word in (("ends", "3"), ("held", "3"), ("group", "3")):
        with pytest.raises(ConfigError, match=f"{name}"):
            program_of(Options(), {field_named(Options(), name): word})


def test_a_new_layer_is_like_the_last_one():
    base = Options(layers=(3, 4))
    program = program_of(base, {"layers.1.keep_prob": "0.75"})
    assert [layer.keep_prob for layer in program.layers] == [0.5, 0.75]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"learning-rate": "-1"}, "learning_rate = -1.0 is impossible"),
        ({"learning-rate": "nan"}, "learning_rate = nan is impossible"),
        ({"learning-rate": "fast"}, "learning-rate = 'fast' is impossible: it must be a number"),
        ({"layers": "3.5"}, "layers = '3.5' is impossible: it must be a whole number"),
        ({"layers": "0"}, "units = 0 is impossible"),
        ({"layers.2.units": "3"}, "layers.2.units = '3' is impossible: it must be of a layer below 1"),
        ({"layers.activation": "rleu"}, "it must be relu or identity"),
        ({"optimizer": "adm"}, "it must be gradient_descent or momentum or adam"),
        ({"optimizer": "adam", "optimizer.momentum": "0.5"}, "adam has no momentum; it has learning_rate, beta1"),
        ({"optimizer.learning_rate.decay_steps": "5"}, "0.0001 has no decay_steps"),
        ({"optimizer.learning_rate": "exponential_decay"}, "needs learning_rate, decay_steps, decay_rate as well"),
        ({"l2.biases": "true"}, "l2.biases: L2 needs scale as well"),
        ({"l2": "much"}, "l2 = 'much' is impossible: it must be a number"),
        ({"evaluation-draws": "yes"}, "evaluation-draws = 'yes' is impossible: it must be true or false"),
        ({"batching": "none", "batching.size": "0"}, "batch_size = 0 is impossible"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_by_name(settings, said):
    with pytest.raises(ConfigError) as refused:
        program_of(BASE, settings)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_field_has_one_name():
    assert field_named(BASE, "learning_rate") == field_named(BASE, "learning-rate") == "learning-rate"
    assert field_named(BASE, "input-keep-prob") == field_named(BASE, "input_keep_prob") == "input-keep-prob"
    assert field_named(BASE, "optimizer.use-nesterov") == "optimizer.use_nesterov"
    assert field_named(BASE, "layers.3.kernel.stddev") == "layers.3.kernel.stddev"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("learning-rat", "did you mean learning-rate?"),
        ("layer", "did you mean layers?"),
        ("optimizer.epsilo", "did you mean optimizer.epsilon?"),
        ("layers.0.activations", "did you mean layers.activation?"),
        ("37", "a field is an option of jaxmlp.train, as learning-rate, or a path"),
        ("layers.0", "did you mean layers"),
    ],
)
def test_an_unknown_field_is_refused_with_the_nearest(name, meant):
    with pytest.raises(ConfigError) as refused:
        field_named(BASE, name)
    assert f"unknown field {name!r}; {meant}" in str(refused.value)
