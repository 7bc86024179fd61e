"""A program in two lines of a log: all that is not the default is in them, and the original has none."""

import dataclasses

from programs import any_program

from jaxmlp import presets
from jaxmlp.program import Constant, CosineDecay, Dense, Momentum, Program
from jaxmlp.run.outline import outline


def told(program: Program, images: int = 60_000) -> list[str]:
    return outline(program.settled(images), images, 10)


def test_the_original_says_nothing_of_itself_from_any_seed_and_for_any_length():
    assert told(Program(seed=5, steps=9, report_every=3)) == []
    assert len(told(Program((Dense(300),)))) == 2


def test_a_program_is_told_in_the_words_of_its_options():
    assert told(presets.load("udacity-l2-dropout-decay")) == [
        "Program: 784-1024-10, relu, weights truncated_normal, biases zeros, keep_prob 0.5, pixels / 255",
        "Updates: gradient_descent(learning_rate=exponential_decay(learning_rate=0.5, decay_steps=1000, "
        "decay_rate=0.8, staircase=true)) on softmax_cross_entropy, l2(scale=0.001), minibatches of 128, sequential, "
        "3,001 steps, 468 an epoch",
    ]
    assert told(presets.load("rmsprop-dropout")) == [
        "Program: 784-625-625-10, relu, weights random_normal(stddev=0.01), biases none, keep_prob 0.5, "
        "input_keep_prob 0.8, pixels / 255",
        "Updates: rmsprop(learning_rate=0.001) on softmax_cross_entropy, minibatches of 128, in_order, "
        "5,000 images left out, 42,900 steps, 429 an epoch",
    ]


def test_layers_that_differ_are_told_one_by_one():
    layers = (Dense(30, activation="tanh"), Dense(20, bias=Constant(0.1)))
    network, updates = told(Program(layers, optimizer=Momentum(CosineDecay(0.1, 9), use_nesterov=True)))
    assert network.startswith("Program: 784-30-20-10, tanh-relu, ")
    assert "biases zeros-constant(value=0.1)-zeros" in network
    assert "momentum(learning_rate=cosine_decay(learning_rate=0.1, decay_steps=9), use_nesterov=true) on" in updates
    assert updates.endswith("all images at once, 301 steps")


def test_any_two_programs_that_differ_are_told_apart(rng):
    programs = [any_program(rng, seed=0, report_every=1, evaluation_draws=False) for _ in range(60)]
    by_lines = {tuple(told(program)): dataclasses.replace(program) for program in programs}
    assert len(by_lines) == len({program.digest() + str(program.steps) for program in programs})
