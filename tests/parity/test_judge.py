"""A step beside a recording: right ones pass, each usual mistake is found at its tier and tensor, and told by name."""

import dataclasses

import numpy as np
import pytest
from like_tensorflow import BIASES, KERNELS, WEIGHTS, F, Like, adam

import parity
from parity.compare.recorded import Different
from parity.compare.recorded.limits import StepLimits
from parity.errors import CannotCompare

ADAM, SGD = Like(), Like("ApplyGradientDescent", rate=0.5)
MOMENTUM, RMSPROP = Like("ApplyMomentum"), Like("ApplyRMSProp")


def port(like, order=None, grads=None, loss=None, used=None, slots=None, moved=None, late=0):
    """A step that computes what the program does, its images in another order; or with a change of one part."""

    def step(weights, slots_, batch, draws):
        given = {**weights, **slots_}
        turn = (lambda named: {n: a[order] for n, a in named.items()}) if order is not None else dict
        value, logits, found = like.loss(given, turn(batch), turn(draws))
        found = {n: grads(n, g, given).astype(F) for n, g in found.items()} if grads else found
        value = F(loss(value, given, turn(batch), logits)) if loss else value
        reached = like.arrive({n: used(n, g, given).astype(F) for n, g in found.items()} if used else found)
        given = slots(given) if slots else given
        number = int(slots_["global_step"]) + late
        after = (moved or Like.moved)(like, given, reached, number)
        parts = {"weights": {n: after[n] for n in weights}, "slots": {n: after[n] for n in slots_}}
        return {"loss": value, "grads": found, **parts}

    return lambda weights, slots, batch, draws: step(weights, slots, batch, draws)


def rule(compute):
    """An update by another rule: of w, g, slots before, slots after, numbers and variables."""

    def moved(like, given, reached, number):
        after, h = like.moved(given, reached, number), like.numbers(number)
        for name in WEIGHTS:
            old, new = ({a: of[s] for a, s in like.slot_names(name).items()} for of in (given, after))
            after[name] = compute(given[name], reached[name], old, new, h, given).astype(F)
        return after

    return moved


RIGHT = {
    "Adam": ADAM,
    "gradient descent, clipped": dataclasses.replace(SGD, clip=0.05),
    "gradient descent, decayed, L2": dataclasses.replace(SGD, decay=0.9, l2=1e-2),
    "Momentum": MOMENTUM,
    "Nesterov, resource variables": dataclasses.replace(MOMENTUM, nesterov=True, resource=True),
    "RMSProp, dropout": dataclasses.replace(RMSPROP, keep=0.7),
    "Adagrad": Like("ApplyAdagrad"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_step_passes_in_another_order_of_sums(name, tmp_path, rng):
    like = RIGHT[name]
    proof = parity.prove(like.recording(tmp_path, rng), port(like, order=rng.permutation(like.batch)))
    assert proof.proven, proof.verdict
    assert proof.raise_if_different() is proof
    assert {one.tier for one in proof.checks} == {"T1", "T2", "T3"}
    assert {one.tensor for one in proof.not_compared} == {"logits"}
    assert proof.verdict.startswith(f"PROVEN: {len(proof.checks)} checks at steps 0, 1, 2, 6; 4 not compared")
    assert len(proof.own_rule) == len(
        [one for one in proof.checks if one.tier == "T3" and "power" not in one.tensor and one.tensor != "global_step"]
    )


def scaled_loss(factor):
    return {"grads": lambda n, g, v: g * F(factor), "loss": lambda value, v, b, z: value * F(factor)}


def sigmoid(value, given, batch, z):
    return (np.maximum(z, 0) - z * batch["y:0"] + np.log1p(np.exp(-np.abs(z)))).mean()


def twice(value, given, batch, z):
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return -(batch["y:0"] * np.log(np.exp(p) / np.exp(p).sum(1, keepdims=True))).sum(1).mean()


class Unscaled(Like):
    factor = 1.0

    def loss(self, variables, batch, draws, f=F):
        last = variables["dense_1/kernel"] * F(self.factor * self.keep)
        return super().loss({**variables, "dense_1/kernel": last}, batch, draws, f)


class ScaledTwice(Unscaled):
    factor = 1 / 0.7**2


def frozen(like, given, reached, number):
    return {**like.moved(given, reached, number), "dense/bias": given["dense/bias"]}


def optax_adam(w, g, old, new, h, v):
    return w - h["lr"] * (new["m"] / (1 - v["beta1_power"])) / (
        np.sqrt(new["v"] / (1 - v["beta2_power"])) + h["epsilon"]
    )


def adam_inside(w, g, old, new, h, v):
    return w - h["lr"] * np.sqrt(1 - v["beta2_power"]) / (1 - v["beta1_power"]) * new["m"] / np.sqrt(
        new["v"] + h["epsilon"]
    )


MISTAKES = {  # (program, change, tier and tensor of the first divergence, hint)
    "Adam as in optax": (ADAM, {"moved": rule(optax_adam)}, "T3 dense/kernel, 0", "as optax and PyTorch have it"),
    "Adam's epsilon inside": (ADAM, {"moved": rule(adam_inside)}, "T3 dense/kernel, 0", "inside Adam's root"),
    "Adam uncorrected": (
        ADAM,
        {"moved": rule(lambda w, g, old, new, h, v: w - h["lr"] * new["m"] / (np.sqrt(new["v"]) + h["epsilon"]))},
        "T3 dense/kernel, 0",
        "bias correction is left out",
    ),
    "AdamW": (
        ADAM,
        {"moved": rule(lambda w, g, old, new, h, v: adam(w, g, old, h, v, False)[0] - F(1e-4) * w)},
        "T3 dense/kernel, 0",
        "0.0001 times the weights is taken off",
    ),
    "weight decay in the update": (
        ADAM,
        {"used": lambda n, g, v: g + F(1e-3) * v[n]},
        "T3 dense/kernel, 0",
        "0.001 times the weights is added to the gradient",
    ),
    "RMSProp from 0": (
        RMSPROP,
        {"slots": lambda v: {n: np.zeros_like(a) if n.endswith("RMSProp") else a for n, a in v.items()}},
        "T3 dense/kernel, 0",
        "the accumulator starts at 0; TensorFlow's starts at 1",
    ),
    "RMSProp, the rate outside": (
        dataclasses.replace(RMSPROP, decay=0.9),
        {"moved": rule(lambda w, g, o, n, h, v: w - h["lr"] * (o["mom"] * h["momentum"] + g / np.sqrt(n["ms"])))},
        "T3 dense/kernel, 1",
        "outside RMSProp's momentum",
    ),
    "a forgotten 1/N": (ADAM, scaled_loss(32), "T1 loss, 0", "1/N is forgotten, N = 32"),
    "a mean for a sum": (ADAM, scaled_loss(1 / 5), "T1 loss, 0", "a mean over the 5 classes stands for"),
    "decay a step early": (dataclasses.replace(SGD, decay=0.9), {"late": 1}, "T3 dense/kernel, 0", "a step early"),
    "no decay": (dataclasses.replace(SGD, decay=0.9), {"like": SGD}, "T3 dense/kernel, 1", "it is still 0.5"),
    "weight decay on biases": (
        dataclasses.replace(SGD, l2=1e-3),
        {
            "grads": lambda n, g, v: g + F(1e-3) * v[n] if n in BIASES else g,
            "loss": lambda value, v, b, z: value + F(5e-4) * sum(np.square(v[n]).sum() for n in BIASES),
        },
        "T1 loss, 0",
        "of a bias, which TensorFlow's graph does not penalise",
    ),
    "L2 without the half": (
        dataclasses.replace(SGD, l2=1e-2),
        {
            "grads": lambda n, g, v: g + F(1e-2) * v[n] if n in KERNELS else g,
            "loss": lambda value, v, b, z: value + F(5e-3) * sum(np.square(v[n]).sum() for n in KERNELS),
        },
        "T1 loss, 0",
        "it counts twice: tf.nn.l2_loss is half the sum of squares",
    ),
    "L2 left out": (dataclasses.replace(SGD, l2=1e-2), {"like": SGD}, "T1 loss, 0", "L2 penalty: it is left out"),
    "dropout not scaled": (
        dataclasses.replace(ADAM, keep=0.7),
        {"like": Unscaled(keep=0.7)},
        "T1 loss, 0",
        "dropout is not scaled by 1 / keep_prob; keep_prob = 0.7",
    ),
    "dropout scaled twice": (
        dataclasses.replace(ADAM, keep=0.7),
        {"like": ScaledTwice(keep=0.7)},
        "T1 loss, 0",
        "dropout is scaled by 1 / keep_prob twice; keep_prob = 0.7",
    ),
    "momentum dampened": (
        MOMENTUM,
        {"moved": rule(lambda w, g, o, n, h, v: w - h["lr"] * (o["accum"] * h["momentum"] + (1 - h["momentum"]) * g))},
        "T3 dense/kernel, 0",
        "the momentum is dampened",
    ),
    "the rate inside the accumulator": (
        MOMENTUM,
        {"moved": rule(lambda w, g, o, n, h, v: w - (o["accum"] * h["momentum"] + h["lr"] * g))},
        "T3 dense/kernel, 1",
        "the learning rate is inside the accumulator",
    ),
    "Nesterov for plain": (
        MOMENTUM,
        {"like": Like("ApplyMomentum", nesterov=True)},
        "T3 dense/kernel, 0",
        "Nesterov's",
    ),
    "plain for Nesterov": (
        Like("ApplyMomentum", nesterov=True),
        {"like": MOMENTUM},
        "T3 dense/kernel, 0",
        "the step is not Nesterov's, and TensorFlow's is",
    ),
    "clipping left out": (
        dataclasses.replace(SGD, clip=0.05),
        {"like": SGD},
        "T3 dense/kernel, 0",
        "clipping is left out",
    ),
    "clipped one by one": (
        dataclasses.replace(SGD, clip=0.05),
        {"like": SGD, "used": lambda n, g, v: g * np.minimum(F(1), F(0.05) / F(np.linalg.norm(g)))},
        "T3 dense/kernel, 0",
        "each gradient is clipped by its own norm",
    ),
    "sigmoid for softmax": (ADAM, {"loss": sigmoid}, "T1 loss, 0", "the loss is the mean of sigmoid cross-entropy"),
    "softmax twice": (ADAM, {"loss": twice}, "T1 loss, 0", "softmax is applied twice"),
    "half a gradient at a tie": (
        SGD,
        {"grads": lambda n, g, v: g * np.r_[np.full(4, F(0.5)), np.ones(12, F)] if "dense/" in n else g},
        "T2 dense/kernel, 0",
        "of 16 units differ: the derivative at a kink or a tie",
    ),
    "another rate": (ADAM, {"like": Like(rate=0.011)}, "T3 dense/kernel, 0", "the learning rate is 1.1 times"),
    "a turned sign": (
        SGD,
        {"like": Like("ApplyGradientDescent", rate=-0.5)},
        "T3 dense/kernel, 0",
        "the update's sign is turned",
    ),
    "a bias left out": (ADAM, {"moved": frozen}, "T3 dense/bias, 0", "the variable is not updated at all"),
    "a gradient stopped": (
        SGD,
        {"grads": lambda n, g, v: 0 * g if n == "dense/kernel" else g},
        "T2 dense/kernel, 0",
        "the gradient is 0: it is stopped",
    ),
    "powers not counted on": (
        ADAM,
        {"moved": lambda *told: {**Like.moved(*told), "beta1_power": told[1]["beta1_power"]}},
        "T3 beta1_power, 0",
        "it is not updated at all",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_usual_mistake_is_found_at_its_tensor_and_told(name, tmp_path, rng):
    like, change, place, hint = MISTAKES[name]
    change = dict(change)
    proof = parity.prove(like.recording(tmp_path, rng), port(change.pop("like", like), **change))
    first = proof.first
    assert first, proof.verdict
    assert f"{first.tier} {first.tensor}, {first.step}" == place
    assert first.ratio > 10
    told = [one for one in proof.hints if hint in one]
    assert told, proof.hints
    assert all(one.startswith("recognised: ") for one in proof.hints)
    with pytest.raises(Different, match="DIFFERENT: first at"):
        proof.raise_if_different()


def test_what_no_mistake_fits_is_told_with_the_usual_ones(tmp_path, rng):
    noise = rng.normal(size=(20, 16)).astype(F) * F(1e-3)
    strange = port(SGD, grads=lambda n, g, v: g + noise if n == "dense/kernel" else g)
    hints = parity.prove(SGD.recording(tmp_path, rng), strange).hints
    assert hints == [hints[0]]
    assert hints[0].startswith("usually: a penalty's gradient, a derivative at a kink")


# What is left out, what nobody can judge


def only(step, *roles):
    def cut(**given):
        returned = step(**given)
        return {role: returned[role] for role in roles}

    return cut


@pytest.mark.parametrize("like", [SGD, ADAM, dataclasses.replace(SGD, clip=0.05)], ids=str)
def test_weights_alone_are_judged_by_tensorflows_own_gradients(like, tmp_path, rng):
    recording = like.recording(tmp_path, rng)
    proof = parity.prove(recording, only(port(like, order=rng.permutation(like.batch)), "weights"))
    assert proof.proven, proof.verdict
    assert {one.tier for one in proof.checks} == {"T3"}
    assert {one.tier for one in proof.not_compared} == {"T1", "T1b", "T2", "T3"}
    wrong = parity.prove(recording, only(port(dataclasses.replace(like, rate=like.rate * 1.01)), "weights"))
    assert wrong.first
    assert wrong.first.tier == "T3"


def test_a_step_that_returns_no_weights_is_not_proven(tmp_path, rng):
    proof = parity.prove(ADAM.recording(tmp_path, rng), only(port(ADAM), "loss", "grads"))
    assert not proof.proven
    assert not proof.different
    assert proof.verdict.startswith("NOT proven, though nothing that was returned differs: ")


def test_one_variable_that_is_never_returned_keeps_a_step_from_being_proven(tmp_path, rng):
    def forgetful(**given):
        returned = port(ADAM)(**given)
        return {**returned, "weights": {n: a for n, a in returned["weights"].items() if n != "dense/bias"}}

    assert not parity.prove(ADAM.recording(tmp_path, rng), forgetful).proven


def test_an_update_whose_rule_nobody_knows_is_not_determined(tmp_path, rng):
    like = Like("ApplyAddSign")
    proof = parity.prove(like.recording(tmp_path, rng), port(like))
    assert not proof.proven
    assert {one.why for one in proof.undetermined} == {"no rule is known of ApplyAddSign"}


def test_a_gradient_whose_true_value_is_0_is_not_determined_and_garbage_in_it_is_found(tmp_path, rng):
    recording = SGD.recording(tmp_path, rng)
    program, key = recording.programs[0], "dense/bias"
    noise = 1e-9 * rng.normal(size=16).astype(F)
    steps, limits = {}, {}
    for step, one in program.trace.steps.items():
        arriving = {f"{role}/{key}": one.got[f"grads/{key}"]._replace(array=noise) for role in ("grads", "arriving")}
        before = one.start[f"weights/{key}"]
        after = before._replace(array=before.array - F(SGD.rates(step)) * noise)
        steps[step] = one._replace(got={**one.got, **arriving, f"weights/{key}": after})
        spread = program.limits[step].spreads[f"grads/{key}"]._replace(norm=1e-7, exact=0.0)
        limits[step] = StepLimits({**program.limits[step].spreads, f"grads/{key}": spread})
    trace = program.trace._replace(steps=steps)
    recording = recording._replace(programs=[program._replace(trace=trace, limits=limits)])

    def grads(of_bias):
        return port(SGD, grads=lambda n, g, v: of_bias + 0 * g if n == key else g)

    proof = parity.prove(recording, grads(F(0)))
    assert proof.proven, proof.verdict
    assert {one.place for one in proof.undetermined} == {f"T2 {key}, step {step}" for step in SGD.steps}
    wrong = parity.prove(recording, grads(F(1e-3)))
    assert wrong.first
    assert wrong.first.place == f"T2 {key}, step 0"


def test_no_tensor_is_compared_where_tensorflow_is_not_finite_but_that_both_are_not(tmp_path, rng):
    recording = SGD.recording(tmp_path, rng)
    program = recording.programs[0]
    one = program.trace.steps[1]
    broken = one._replace(got={**one.got, "loss/loss": one.got["loss/loss"]._replace(array=np.array(np.nan, F))})
    trace = program.trace._replace(steps={**program.trace.steps, 1: broken})
    recording = recording._replace(programs=[program._replace(trace=trace)])
    proof = parity.prove(recording, port(SGD))
    assert proof.diverged == 1
    assert proof.first
    assert proof.first.place == "T1 finite, step 1"
    nan = port(SGD, loss=lambda value, v, b, z: value if int(v["global_step"]) == 0 else np.nan)
    assert parity.prove(recording, nan).proven


def test_an_update_of_tensorflows_own_that_breaks_the_rule_proves_nothing(tmp_path, rng):
    recording = SGD.recording(tmp_path, rng)
    program = recording.programs[0]
    one, key = program.trace.steps[1], "weights/dense/bias"
    moved = one.got[key]._replace(array=one.got[key].array + F(1e-3))
    trace = program.trace._replace(steps={**program.trace.steps, 1: one._replace(got={**one.got, key: moved})})
    proof = parity.prove(recording._replace(programs=[program._replace(trace=trace)]), port(SGD))
    assert not proof.proven
    assert not proof.different
    assert proof.verdict == (
        "NOT proven: TensorFlow's own update does not follow the rule it is held to: T3 dense/bias, step 1"
    )


# Names and shapes of his own


def test_names_are_mapped_and_tensors_turned_both_ways(tmp_path, rng):
    inner, names = port(ADAM), {"dense/kernel": "w1", "dense_1/bias": "b2", "x:0": "pixels"}
    back = {"w1": "dense/kernel", "b2": "dense_1/bias", "pixels": "x:0"}

    def turned(name, array):
        return np.asarray(array).T if name.startswith("dense/kernel") else array

    def step(weights, slots, batch, draws):
        assert set(weights) == {"w1", "b2", "dense/bias", "dense_1/kernel"}
        assert weights["w1"].shape == slots["w1/Adam"].shape == (16, 20)
        given = [
            {
                back.get(n, n.replace("w1/", "dense/kernel/").replace("b2/", "dense_1/bias/")): a
                for n, a in named.items()
            }
            for named in (weights, slots, batch)
        ]
        made = inner(*({n: turned(n, a) for n, a in named.items()} for named in given), draws)
        for role in ("grads", "weights"):
            made[role] = {names.get(n, n): turned(n, a) for n, a in made[role].items()}
        slots = {
            n.replace("dense/kernel/", "w1/").replace("dense_1/bias/", "b2/"): turned(n, a)
            for n, a in made["slots"].items()
        }
        return {**made, "slots": slots}

    proof = parity.prove(ADAM.recording(tmp_path, rng), step, names=names, transposed=["dense/kernel"])
    assert proof.proven, proof.verdict
    assert len(proof.checks) == 4 * (1 + 4 + 4 + 8 + 3)


def wrong(**change):
    return lambda **given: {**port(SGD)(**given), **change}


BAD = {  # what is returned: what is said
    "nothing at all": (lambda **given: None, "your step returned a NoneType; a dict of loss, logits"),
    "an empty dict": (lambda **given: {}, "your step returned nothing: there is nothing to compare"),
    "another role": (wrong(gradients={}), "your step returned 'gradients'; it may return loss, logits, grads"),
    "another name": (
        wrong(weights={"w": np.zeros(3, F)}),
        "weights has 'w'; the recording has dense/bias, dense/kernel",
    ),
    "no dict": (wrong(weights=[1]), "weights is a list; a dict by name is needed"),
    "another shape": (
        wrong(weights={"dense/kernel": np.zeros((16, 20), F)}),
        r"weights dense/kernel has shape \(16, 20\), the recording \(20, 16\); say transposed if that is what it is",
    ),
    "another dtype": (
        wrong(grads={"dense/bias": np.zeros(16)}),
        "grads dense/bias is float64, the recording float32",
    ),
    "NaN": (
        wrong(grads={"dense/bias": np.full(16, np.nan, F)}),
        "16 of the 16 values of grads dense/bias are not finite",
    ),
    "words": (wrong(loss="small"), "loss is <U5; numbers are needed"),
    "a ragged array": (wrong(loss=[[1.0], [1.0, 2.0]]), "loss cannot be made a NumPy array"),
    "an error": (lambda **given: 1 / 0, "your step raised ZeroDivisionError: division by zero"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_step_that_returns_something_else_is_told_in_one_line(name, tmp_path, rng):
    step, told = BAD[name]
    with pytest.raises(CannotCompare, match=told) as refused:
        parity.prove(SGD.recording(tmp_path, rng), step)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"names": {"densse": "w"}}, "names has 'densse', which the recording has not: batch"),
        ({"names": {"dense/kernel": "w", "dense/bias": "w"}}, "names calls two weights 'w'"),
        ({"transposed": ["w"]}, "transposed has 'w', which the recording has not"),
        ({"steps": [3]}, "step 3 was not recorded: there are 0, 1, 2, 6"),
        ({"program": 1}, "program 1 is not in the recording, which has 1"),
    ],
)
def test_what_the_recording_has_not_is_told(asked, told, tmp_path, rng):
    told = told.replace("batch", "")
    with pytest.raises(CannotCompare, match=told):
        parity.prove(SGD.recording(tmp_path, rng), port(SGD), **asked)


def test_a_step_that_writes_into_what_it_is_given_changes_nothing(tmp_path, rng):
    recording = SGD.recording(tmp_path, rng)

    def careless(**given):
        made = port(SGD)(**given)
        for array in (*given["weights"].values(), *given["batch"].values()):
            array[...] = 7
        return made

    assert parity.prove(recording, careless).proven
    assert parity.prove(recording, port(SGD)).proven
