"""T3 holds a step's weights, slots, powers and clipped gradients to the rule, and refuses a trace that lacks one."""

import numpy as np
import pytest
from formulas import FORMULAS, SETTINGS, history, numbers, scalars

from parity.compare.rules import rule_of
from parity.compare.tensor import Whole, sample, sketch
from parity.compare.tiers import update_checks
from parity.compare.trace import StepTrace
from parity.errors import CannotCompare

SHAPES = {"weights_1": (30, 20), "biases_1": (20,)}
DONE = 4  # updates before the step


def told(key, rng, rate=None):
    """The whole step of one side, of an optimizer by `formulas.SETTINGS`, in NumPy's float32."""
    setting = SETTINGS[key]
    step = scalars(setting, DONE + 1)
    powers = {name: power for name, power in step.items() if name != "global_step"}
    h = {**numbers(setting), **{name: np.float32(number) for name, number in step.items()}}
    h |= {} if rate is None else {"learning_rate": np.float32(rate)}
    start = {f"scalars/{name}": power for name, power in powers.items()} | {"step/step": np.int64(DONE)}
    start |= {} if rate is None else {"rate/rate": np.float32(rate)}
    got = {f"scalars/{name}": power * h[name.removesuffix("_power")] for name, power in powers.items()}
    for name, shape in SHAPES.items():
        v, g, slots = history(setting, rng, 3, int(np.prod(shape)))
        new, new_slots = FORMULAS[setting["kind"]](v, g, slots, h, np)
        before = {f"weights/{name}": v, **{f"slots/{slot}/{name}": array for slot, array in slots.items()}}
        after = {f"weights/{name}": new, **{f"slots/{slot}/{name}": array for slot, array in new_slots.items()}}
        start |= {key: array.reshape(shape) for key, array in before.items()}
        got |= {key: array.reshape(shape) for key, array in {**after, f"grads/{name}": g}.items()}
    return StepTrace(*({key: Whole(np.asarray(array)) for key, array in part.items()} for part in (start, got)))


def checks(one, key, **program):
    """Ratio by tensor."""
    found = list(update_checks(0, one, rule_of({"optimizer": SETTINGS[key], **program}), ", second step"))
    assert {(check.tier, check.limit) for check in found} == {("T3", 1)}
    return {check.tensor.removesuffix(", second step"): check.ratio for check in found}


def changed(one, part, **tensors):
    """With other tensors; `a__b` is "a/b"; None takes one away."""
    arrays = {**getattr(one, part), **{key.replace("__", "/"): Whole(x) for key, x in tensors.items()}}
    return one._replace(**{part: {key: x for key, x in arrays.items() if x.array is not None}})


@pytest.mark.parametrize("key", SETTINGS)
def test_every_tensor_slot_and_power_has_its_check(key, rng):
    one = told(key, rng)
    tensors = {name.removeprefix("slots/").replace("/", " of ") for name in one.start if name.startswith("slots/")}
    powers = {name.removeprefix("scalars/") for name in one.start if name.startswith("scalars/")}
    found = checks(one, key)
    assert set(found) == {*SHAPES, *tensors, *powers}
    assert all(ratio <= 1 for ratio in found.values()), found


def test_a_wrong_slot_or_power_fails_by_its_name(rng):
    one = told("adam", rng)
    for tensor, got in (("v of biases_1", "slots/v/biases_1"), ("beta2_power", "scalars/beta2_power")):
        found = checks(changed(one, "got", **{got.replace("/", "__"): one.got[got].array * np.float32(1.001)}), "adam")
        assert [name for name, ratio in found.items() if ratio > 10] == [tensor]


def test_the_steps_own_rate_and_number_are_the_rules(rng):
    assert max(checks(told("adagradda_l1l2", rng, rate=0.3), "adagradda_l1l2").values()) <= 1
    one = told("adagradda_l1l2", rng)
    for other in ({"rate__rate": np.float32(0.06)}, {"step__step": np.int64(DONE + 1)}):
        assert checks(changed(one, "start", **other), "adagradda_l1l2")["weights_1"] > 10


def test_what_is_clipped_is_what_arrives(rng):
    unclipped = told("momentum", rng)
    grads = {name: unclipped.got[f"grads/{name}"].array for name in SHAPES}
    one = changed(unclipped, "got", **{f"clipped__{name}": grad for name, grad in grads.items()})
    one = changed(one, "got", **{f"grads__{name}": 2 * grad for name, grad in grads.items()})
    limit = float(np.sqrt(sum(np.square(grad.astype(np.float64)).sum() for grad in grads.values())))
    program = {"clipping": {"kind": "global_norm", "clip_norm": limit}}
    found = checks(one, "momentum", **program)
    assert set(found) == {*SHAPES, *(f"momentum of {n}" for n in SHAPES), *(f"clipped {name}" for name in SHAPES)}
    assert max(found.values()) <= 1
    twice = changed(one, "got", **{f"clipped__{name}": 2 * grad for name, grad in grads.items()})
    assert min(checks(twice, "momentum", **program).values()) > 10
    with pytest.raises(CannotCompare, match=r"clipped/weights_1 of step 0 is not in the trace"):
        checks(unclipped, "momentum", **program)


def test_a_sketch_is_held_by_the_rows_it_has(rng):
    one = told("adam", rng)
    rows = sample(4, 30)
    got = {k: sketch(t.array, rows) if k.endswith("weights_1") else t for k, t in one.got.items()}
    program = {"clipping": {"kind": "global_norm", "clip_norm": 1e9}}
    clipped = {key.replace("grads", "clipped"): tensor for key, tensor in got.items() if key.startswith("grads")}
    for asked in ({}, program):
        found = checks(one._replace(got={**got, **clipped}), "adam", **asked)
        assert len(found) == 2 * 3 + 2
        assert max(found.values()) <= 1
    slot = one.got["slots/m/weights_1"].array.copy()
    slot[rows[0], 0] *= np.float32(1.001)
    wrong = one._replace(got={**got, "slots/m/weights_1": sketch(slot, rows)})
    assert checks(wrong, "adam")["m of weights_1"] > 10


@pytest.mark.parametrize(
    ("part", "key", "message"),
    [
        ("start", "slots/m/weights_1", "adam cannot be followed without m before the step"),
        ("start", "scalars/beta1_power", "adam cannot be followed without beta1_power before the step"),
        ("got", "slots/v/weights_1", "slots/v/weights_1 of step 0 is not in the trace, and the rule of T3 needs it"),
        ("got", "scalars/beta2_power", "scalars/beta2_power of step 0 is not in the trace"),
        ("got", "grads/biases_1", "grads/biases_1 of step 0 is not in the trace"),
    ],
)
def test_a_trace_that_lacks_what_the_rule_speaks_of_is_refused(part, key, message, rng):
    with pytest.raises(CannotCompare, match=message):
        checks(changed(told("adam", rng), part, **{key.replace("/", "__"): None}), "adam")
