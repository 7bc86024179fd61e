"""A rate that changes is found to be a schedule of the family, with its numbers, and is written into the port."""

import dataclasses

import numpy as np
import pytest

from jaxmlp import program as parts
from parity.compare.recorded.raw import of_folder
from parity.subject.graph.graph import Graph
from parity.subject.port_writer.expression import NotWritten
from parity.subject.port_writer.family_optimizer import optimizer_of
from parity.subject.port_writer.read import read_of

SCRIPT = """
import numpy as np
import tensorflow as tf

for make in ({made}):
    with tf.Graph().as_default(), tf.Session() as sess:
        step = tf.train.get_or_create_global_step()
        x = tf.placeholder(tf.float32, [None, 3])
        loss = tf.reduce_mean(tf.square(tf.layers.dense(x, 1)))
        train = tf.train.MomentumOptimizer(make(step), 0.9).minimize(loss, global_step=step)
        sess.run(tf.global_variables_initializer())
        for _ in range(4):
            sess.run(train, {{x: np.ones([5, 3])}})
"""
STEPS = [0, 1, 3]


def drawn(rng):
    """One of each kind, whose turns may lie within the recorded steps or beyond them."""
    rate, decay = (round(float(one), 3) for one in (rng.uniform(0.05, 0.5), rng.uniform(0.2, 0.9)))
    # Decaying in one step, a polynomial that cycles is at its end in every step, whatever its power.
    steps, few = int(rng.integers(5, 5000)), int(rng.integers(2, 4))
    end = round(rate / 10, 4)
    return [
        parts.ExponentialDecay(rate, steps, decay, bool(rng.integers(2))),
        parts.NaturalExpDecay(rate, few, decay, bool(rng.integers(2))),
        parts.InverseTimeDecay(rate, steps, decay, bool(rng.integers(2))),
        parts.PolynomialDecay(rate, steps, end, 2.0),
        parts.PolynomialDecay(rate, few, end, 0.5, cycle=True),
        parts.CosineDecay(rate, steps, decay),
        parts.PiecewiseConstant((few, steps), (rate, end, decay)),
    ]


def called(schedule):
    """As a script of TensorFlow 1.x has it."""
    own = dataclasses.asdict(schedule)
    if isinstance(schedule, parts.PiecewiseConstant):
        return f"lambda step: tf.train.piecewise_constant(step, {list(own['boundaries'])}, {list(own['values'])})"
    step = f"{own.pop('learning_rate')}, step"
    return f"lambda step: tf.train.{schedule.kind}({step}, {', '.join(f'{k}={v!r}' for k, v in own.items())})"


@pytest.fixture(scope="module")
def schedules(seed):
    return drawn(np.random.default_rng(seed))


@pytest.fixture(scope="module")
def programs(record, schedules, tmp_path_factory):
    folder = tmp_path_factory.mktemp("schedules")
    record.text(SCRIPT.format(made=", ".join(map(called, schedules))), folder, steps=STEPS)
    recording = of_folder(folder / "run" / "out")
    return [(Graph.recorded(recording.graphs[one.graph]), one) for one in recording.programs]


@pytest.mark.parametrize("number", range(7))
def test_a_schedule_is_found_by_what_it_gives(schedules, programs, number):
    optimizer, counter = optimizer_of(read_of(*programs[number]))
    assert counter == "global_step"
    assert optimizer.learning_rate == schedules[number]


def test_a_rate_that_no_schedule_gives_is_told(record, tmp_path):
    made = "lambda step: 0.1 * tf.sin(tf.cast(step, tf.float32) + 1)"
    record.text(SCRIPT.format(made=f"{made},"), tmp_path, steps=STEPS)
    recording = of_folder(tmp_path / "run" / "out")
    (program,) = recording.programs
    with pytest.raises(NotWritten, match=r"^a learning rate that changes as no schedule of a program does$"):
        optimizer_of(read_of(Graph.recorded(recording.graphs[program.graph]), program))
