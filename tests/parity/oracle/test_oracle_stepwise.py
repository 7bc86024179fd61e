"""Any program of the family, asked of TensorFlow step by step: it draws, is fed and remembers what `tf1` says."""

import dataclasses
import functools
from typing import NamedTuple

import any_program
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from textbook import CLASSES, PIXELS, data

from jaxmlp.program import Program
from jaxmlp.tf1 import activations, clipping, losses, optimizers, schedules, softmax, weighted_losses
from jaxmlp.tf1.batches import DataSet, dataset_seed, epochs, sequential
from parity.compare.trace import Trace, of_role
from parity.oracle.ask import Case, Question
from parity.oracle.stepwise import consecutive_all

IMAGES, TESTS, STEPS, COUNT, RUNS = 60, 20, 5, 15, 5
ACTIVATIONS = {  # of float64
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.maximum(0.2 * x, x),
    "leaky_maximum": lambda x: np.maximum(0.2 * x, x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    "tanh": np.tanh,
    "sigmoid": lambda x: 0.5 + 0.5 * np.tanh(x / 2),
    "softplus": lambda x: np.logaddexp(x, 0),
    "softsign": lambda x: x / (1 + abs(x)),
}


class One(NamedTuple):
    """A program, its trace and its free run by one TensorFlow."""

    program: Program
    trace: Trace
    run: dict | None  # of some
    data: dict
    genuine: bool

    def start(self, step, role):
        """By name."""
        return of_role({key: tensor.array for key, tensor in self.trace.steps[step].start.items()}, role)

    def got(self, step, role):
        return of_role({key: tensor.array for key, tensor in self.trace.steps[step].got.items()}, role)

    def batch(self, step):
        """Images and labels of the step."""
        rows = self.start(step, "batch").get("rows", np.arange(IMAGES))
        return self.data["train_images"][rows], self.data["train_labels"][rows]

    def reports(self, step):
        return self.program.reports(step)


@pytest.fixture(scope="module", params=["tf115", "compat"])
def family(request, digits):
    """Fifteen programs, in which everything comes up."""
    oracle = request.getfixturevalue(request.param)
    return asked(oracle, np.random.default_rng(int(digits.train.images.sum())))


def asked(oracle, rng):
    """Traced, and run, a process each."""
    shared = data(rng, IMAGES, TESTS)
    programs = list(any_program.programs(rng, COUNT, IMAGES, STEPS))
    cases = [Case(program.as_dict(), program.digest(), shared, CLASSES, "noise") for program in programs]
    run = Question({"ask": "run", "first": 0, "steps": STEPS, "report_every": 2, "weights_at": [2]})
    runs = [answers.arrays[0] for answers in oracle.ask_all([(case, [run]) for case in cases[:RUNS]])]
    traces = list(consecutive_all(oracle, cases, STEPS))
    found = zip(programs, traces, [*runs, *[None] * (COUNT - RUNS)], strict=True)
    return [One(*both, shared, oracle.name == "tf115") for both in found]


def test_initial_weights_are_drawn_by_the_op_seeds_that_1_15_counts(family):
    for one in family:
        weights, _, seeds = any_program.started(one.program, PIXELS, CLASSES)
        graph_seed = one.program.seed % (2**31 - 1)
        told = one.trace.header["provenance"]["op_seeds"]
        assert told == [[graph_seed, seed] for seed in seeds]
        same(one.start(0, "weights"), weights)


def test_masks_are_what_dropouts_own_stream_keeps(family):
    for one in family:
        _, dropouts, _ = any_program.started(one.program, PIXELS, CLASSES)
        units = {"input": PIXELS} | {str(i): layer.units for i, layer in enumerate(one.program.layers, 1)}
        sizes = [len(one.batch(step)[1]) for step in range(STEPS)]
        tests = [TESTS if one.reports(step) else 0 for step in range(STEPS)]
        right = any_program.masks(one.program, dropouts, units, sizes, tests)
        for step in range(STEPS):
            same(one.start(step, "masks"), right[step])


def test_rows_are_those_of_the_order(family):
    for one in family:
        right = rows(one.program)
        for step in range(STEPS):
            same(one.start(step, "batch"), {} if right is None else {"rows": right[step]})


AT_ALL = jax.jit(lambda schedule, steps: jax.vmap(schedule)(steps))


def test_rates_are_those_of_the_schedule(family):
    for one in family:
        rate = one.program.optimizer.learning_rate
        if dataclasses.is_dataclass(rate):
            right = np.asarray(AT_ALL(made(schedules, rate), jnp.arange(STEPS)))  # its numbers data, as in a program
        else:
            right = np.full(STEPS, rate, np.float32)
        got = np.array([one.start(step, "rate")["rate"] for step in range(STEPS)])
        np.testing.assert_allclose(got, right, rtol=0 if one.genuine else 1e-6, strict=True, err_msg=str(rate))
        assert [int(one.start(step, "step")["step"]) for step in range(STEPS)] == list(range(STEPS))


def test_each_step_starts_where_the_one_before_it_came_to(family):
    for one in family:
        for step in range(1, STEPS):
            for role in ("weights", "slots", "scalars"):
                same(one.start(step, role), one.got(step - 1, role))


def test_a_trace_is_the_free_run(family):
    for one in family[:RUNS]:
        for name in ("losses", "corrects", "test_steps", "test_corrects"):
            np.testing.assert_array_equal(one.trace.series[name], one.run[name], strict=True)
        same(one.got(STEPS - 1, "weights"), of_role(one.run, "weights"))
        same(one.start(2, "weights"), of_role(one.run, "2/weights"))
        assert one.trace.series["test_steps"].tolist() == [step for step in range(STEPS) if one.reports(step)]


def test_the_optimizer_makes_the_next_weights_of_the_gradients_that_arrive(family):
    for one in family:
        optimizer = made(optimizers, one.program.optimizer)
        for step in range(STEPS):
            weights = one.start(step, "weights")
            state = optimizer.init(weights)
            if step == 0:
                same(
                    one.start(0, "slots"),
                    {f"{slot}/{n}": a for slot, named in state.slots.items() for n, a in named.items()},
                )
                same(one.start(0, "scalars"), state.scalars)
            slots = {slot: of_role(one.start(step, "slots"), slot) for slot in state.slots}
            state = state._replace(step=jnp.int32(step), slots=slots, scalars=one.start(step, "scalars"))
            arriving = one.got(step, "clipped" if one.program.clipping else "grads")
            right, after = apply(optimizer.update, arriving, state, weights)
            # Beside the weights before: Ftrl and AdagradDA make them anew, out of sums that cancel.
            near(one.got(step, "weights"), right, 3e-6, beside=weights)
            for slot in slots:
                got = of_role(one.got(step, "slots"), slot)
                if slot == "linear":  # a difference of two numbers that are as large as this
                    large = {name: array / one.start(step, "rate")["rate"] for name, array in weights.items()}
                    near(got, after.slots[slot], 1e-6, beside=large)
                else:
                    near(got, after.slots[slot], 1e-5)
            near(one.got(step, "scalars"), after.scalars, 1e-6)


def test_logits_come_of_the_weights_rows_and_masks_of_the_step(family):
    for one in family:
        for step in range(STEPS):
            logits, inputs, size = forward(one, step)
            np.testing.assert_allclose(one.got(step, "logits")["logits"], logits, atol=1e-5 * size.max(), rtol=1e-5)
            for i, z in enumerate(inputs, 1):
                units = np.unpackbits(one.got(step, "units")[str(i)], axis=1)[:, : z.shape[1]] > 0
                assert ((units == (z > 0)) | (abs(z) <= 1e-5 * size.max())).all()


def test_loss_and_its_derivative_are_those_of_the_logits(family):
    for one in family:
        for step in range(STEPS):
            loss, logits_grad = with_grad(one.got(step, "logits")["logits"], one.batch(step)[1], one.program.loss)
            weights = one.start(step, "weights")
            if l2 := one.program.l2:
                chosen = [a for name, a in weights.items() if l2.biases or name.startswith("weights")]
                loss += l2.scale * sum((a.astype(np.float64) ** 2).sum() / 2 for a in chosen)
                for name, grad in one.got(step, "grads").items():
                    penalty = l2.scale * weights[name] * (l2.biases or name.startswith("weights"))
                    near({"": grad}, {"": one.got(step, "backward")[name] + penalty}, 1e-5)
            else:
                same(one.got(step, "backward"), one.got(step, "grads"))
            np.testing.assert_allclose(one.got(step, "loss")["loss"], loss, rtol=3e-5, atol=1e-6)
            mean = {
                "": 1 / len(one.batch(step)[1])
            }  # of an image that is right for sure the derivative is all rounding
            near({"": one.got(step, "logits_grad")["logits"]}, {"": logits_grad}, 1e-4, beside=mean)


def test_clipped_gradients_are_clipped(family):
    for one in family:
        for step in range(STEPS):
            grads, got = one.got(step, "grads"), one.got(step, "clipped")
            near(got, clipped(grads, one.program.clipping), 1e-5)


def rows(program):
    """int32 [steps, size] of the whole training set; None of a full batch."""
    if (batching := program.batching) is None:
        return None
    left, size = IMAGES - batching.validation, batching.size
    if batching.order == "next_batch":
        generator = np.random.RandomState(dataset_seed(None, program.seed))
        found = DataSet(left, generator).indices(STEPS, size)
    elif batching.order == "sequential":
        found = sequential(STEPS, size, left)
    else:
        shuffling = np.random.RandomState(program.seed % 2**32) if batching.order == "shuffled" else None
        found = epochs(STEPS, size, left, shuffling)
    return found[:STEPS] + np.int32(batching.validation)


def forward(one, step):
    """Logits and hidden layers' inputs in float64; and the size of what was summed."""
    program, weights, masks = one.program, one.start(step, "weights"), one.start(step, "masks")
    keeps = any_program.keep_probs(program)
    x = one.batch(step)[0] / np.float64(program.scale)
    inputs, size = [], x
    for i, layer in enumerate((None, *program.layers, program.output)):
        name = str(i) if i else "input"
        if layer is not None:
            w, b = weights[f"weights_{i}"].astype(np.float64), weights.get(f"biases_{i}", np.float32(0))
            inputs.append(x @ w + b)
            size = 2 * (size @ abs(w) + abs(b))  # no activation has a derivative above 2
            if layer.activation in ("elu", "selu"):  # exp(x) - 1, which cancels: near 0 its rounding is that of 1
                size = size + 1
            x = ACTIVATIONS[layer.activation](inputs[-1])
        if name in masks:
            x = x * masks[name] / keeps[name]
            size = size * masks[name] / keeps[name]
    return x, inputs[:-1], size


def data_loss(logits, labels, loss):
    """The mean, by `jaxmlp.tf1`."""
    one_hot = jax.nn.one_hot(labels, CLASSES, dtype=jnp.float32)
    own = {name: value for name, value in vars(loss).items() if name != "of"}
    of = {"logits": lambda x: x, "softmax": softmax.softmax, "sigmoid": activations.sigmoid}
    p = of[getattr(loss, "of", "logits")](logits)
    if loss.kind == "sparse_softmax_cross_entropy":
        return losses.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits).mean()
    if loss.kind == "softmax_cross_entropy":
        return losses.softmax_cross_entropy_with_logits_v2(labels=one_hot, logits=logits).mean()
    if loss.kind == "sigmoid_cross_entropy":
        return losses.sigmoid_cross_entropy_with_logits(labels=one_hot, logits=logits).mean()
    if loss.kind == "naive_cross_entropy":
        p = softmax.softmax(logits)
        return losses.cross_entropy_of_probabilities(labels=one_hot, probabilities=p, **own).mean()
    named = {"huber": "huber_loss", "hinge": "hinge_loss"}
    return getattr(weighted_losses, named.get(loss.kind, loss.kind))(one_hot, p, **own)


@functools.partial(jax.jit, static_argnames="loss")
def with_grad(logits, labels, loss):
    return jax.value_and_grad(data_loss)(logits, labels, loss)


@functools.partial(jax.jit, static_argnames="step")
def apply(step, grads, state, weights):
    """One program for both TensorFlows."""
    return step.next_weights(grads, state, weights)


@functools.partial(jax.jit, static_argnames="rule")
def clipped(grads, rule):
    if rule is None:
        return {}
    if rule.kind == "global_norm":
        return clipping.clip_by_global_norm(grads, rule.clip_norm)[0]
    each = {"norm": clipping.clip_by_norm, "value": clipping.clip_by_value}[rule.kind]
    return {name: each(jnp.asarray(grad), **vars(rule)) for name, grad in grads.items()}


def made(module, part):
    """What `jaxmlp.tf1` makes of a part of a program."""
    arguments = dict(vars(part))
    if dataclasses.is_dataclass(arguments.get("learning_rate")):
        arguments["learning_rate"] = made(schedules, part.learning_rate)
    return getattr(module, part.kind)(**arguments)


def same(got, right):
    assert got.keys() == right.keys()
    for name, array in got.items():
        np.testing.assert_array_equal(array, np.asarray(right[name]), err_msg=name, strict=True)


def near(got, right, limit, beside=None):
    """To within a part of each tensor's largest entry, there or in the one `beside` it."""
    assert got.keys() == right.keys()
    for name, array in got.items():
        largest = max(np.abs(one[name]).max() for one in (right, beside or right))
        np.testing.assert_allclose(array, right[name], atol=limit * largest, rtol=0, err_msg=name)
