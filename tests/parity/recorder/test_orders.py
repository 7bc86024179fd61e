"""Races of genuine programs: whichever order TensorFlow took is found, and no mistake hides behind an open one.

On one machine TensorFlow takes one order or another as it likes. So each possible one is put into a recording here.
"""

import numpy as np
import pytest

from parity.commands.adopt import with_races
from parity.compare.recorded import prove
from parity.compare.recorded.found import NO_RULE, Silent
from parity.compare.recorded.limits import of_arrays, to_arrays
from parity.compare.recorded.raw import of_folder
from parity.compare.recorded.recording import starts
from parity.compare.tensor import Whole
from parity.noise import recorded as noise
from parity.noise.orders import RELATIVE
from parity.subject.graph.graph import Graph
from parity.subject.graph.orders import Orders
from parity.subject.graph.step import GraphStep

STEP = 2  # recorded; slots have seen something by then


class Racing:
    """A program of one recorded step, and its evaluated step."""

    def __init__(self, folder):
        recording = of_folder(folder)
        (graph,), program = recording.graphs, recording.program()
        steps = {STEP: program.trace.steps[STEP]}
        self.step = GraphStep(Graph(graph.nodes, graph.constants, graph.functions), program.fields)
        self.orders = Orders(self.step, program.fields["arriving"])
        program = program._replace(trace=program.trace._replace(steps=steps))
        self.recording, self.program = recording, with_races(self.step, program)

    def all(self):
        """Every possible order, as far as it decides anything that was recorded."""
        found, pairs = [frozenset()], self.orders.races.pairs
        for pair in pairs:
            found += [self.orders.races.completed({**dict.fromkeys(one, True), pair: True}) for one in found]
        return list(dict.fromkeys(found))

    def taken(self, turned, torn=None):
        """A recording in which TensorFlow took that order; `torn`: of this tensor only one half was in time."""
        one = self.program.trace.steps[STEP]
        run, first = (self.orders.taken(some, *starts(one).values()) for some in (turned, ()))
        got = {key: run.value(key) for key in one.got if key.partition("/")[0] in RELATIVE}
        if torn:
            half = np.arange(got[torn].size).reshape(got[torn].shape) % 2 == 0
            got[torn] = np.where(half, got[torn], first.value(torn))
        one = one._replace(got={**one.got, **{key: Whole(np.asarray(array)) for key, array in got.items()}})
        program = self.program._replace(trace=self.program.trace._replace(steps={STEP: one}))
        program = program._replace(limits=noise.limits(self.step, program))
        kept = {number: of_arrays(to_arrays(limits)) for number, limits in program.limits.items()}
        return self.recording._replace(programs=[program._replace(limits=kept)])


@pytest.fixture(scope="session")
def ungated(record):
    return Racing(record.folder("ungated_gradients.py"))


@pytest.fixture(scope="session")
def applied_twice(record):
    return Racing(record.folder("applied_twice.py"))


def changed(step, role, name, change):
    """With a mistake in one tensor that it returns."""

    def call(weights, slots, batch, draws):
        made = step(weights, slots, batch, draws)
        return {**made, role: {**made[role], name: change(np.asarray(made[role][name]))}}

    return call


def test_gradients_that_race_with_updates_are_proven_in_every_order(ungated):
    orders = ungated.all()
    assert len(orders) == 4  # of the two layers whose weights the gradient is carried back through
    recordings = [ungated.taken(turned) for turned in orders]
    grads = [one.program().trace.steps[STEP].got["grads/w0"].array for one in recordings]
    assert min(np.abs(a - b).max() for i, a in enumerate(grads) for b in grads[:i]) > 1e-4  # they lead apart
    for recording in recordings:
        proof = prove(recording, ungated.step)
        assert proof.proven, proof.verdict
        assert not proof.undetermined


def test_weights_alone_are_proven_in_every_order_too(ungated):
    for turned in ungated.all():
        step = lambda **given: {"weights": ungated.step(**given)["weights"]}  # noqa: E731
        assert prove(ungated.taken(turned), step).proven


def test_a_mistake_is_found_in_a_racing_program_where_it_races_and_where_it_does_not(ungated):
    racing, ordered = "w0", "w2"  # nothing is carried through w2's own gradient
    assert f"grads/{racing}" in ungated.orders.racing
    assert f"grads/{ordered}" not in ungated.orders.racing
    for turned in ungated.all():
        recording = ungated.taken(turned)
        for name in (racing, ordered):
            wrong = changed(ungated.step, "grads", name, lambda grad: grad * np.float32(1.001))
            first = prove(recording, wrong).first
            assert first is not None, name
            assert (first.tier, first.tensor) == ("T2", name)


def test_where_a_kernel_read_while_another_wrote_nothing_is_claimed_within_reach_and_mistakes_are_found_beyond(ungated):
    recording = ungated.taken(ungated.all()[-1], torn="grads/w0")
    assert not recording.program().limits[STEP].orders
    proof = prove(recording, ungated.step)
    assert not proof.different
    (why,) = {one.why for one in proof.undetermined if isinstance(one, Silent) and one.tensor == "w0"}
    assert why.startswith("a race: no edge orders MatMul gradients/MatMul_")
    assert "ApplyGradientDescent" in why
    assert {one.kind for one in proof.undetermined} == {NO_RULE}
    reach = recording.program().limits[STEP].race("grads/w0")
    for name, change in (
        ("w0", lambda grad: grad + np.float32(2 * reach)),
        ("b2", lambda grad: grad * np.float32(1.001)),
    ):
        wrong = prove(recording, changed(ungated.step, "grads", name, change))
        assert wrong.first is not None, name
        assert wrong.first.tensor == name


def test_an_adam_that_is_applied_twice_is_held_to_the_powers_that_each_update_found(applied_twice):
    orders = [one for one in applied_twice.all() if one][:12]
    found = set()
    for turned in orders:
        recording = applied_twice.taken(turned)
        limits = recording.program().limits[STEP]
        assert limits.orders
        found.add(str({op: sorted(named) for op, named in limits.orders[0].seen.items()}))
        proof = prove(recording, applied_twice.step)
        assert proof.proven, proof.verdict
    assert len(found) > 1  # in some an update finds a power from before, in others from after the other's
    recording = applied_twice.taken(orders[-1])
    wrong = changed(applied_twice.step, "weights", "w", lambda after: after + np.float32(1e-4))
    first = prove(recording, wrong).first
    assert first is not None
    assert (first.tier, first.tensor) == ("T3", "w")
