"""Mutants die where their descriptions say, on a few images. All of them: `python -m parity mutants`."""

import math

import pytest
from small_runs import STEPS, first

from jaxmlp.errors import ConfigError
from jaxmlp.program import Dense, Program
from parity.commands.mutants import chosen, summary, to_json, with_blanks
from parity.mutants.family import hunt as family
from parity.mutants.hunt import Finding, Hunt, catalogue
from parity.mutants.mutant import Mutant
from parity.noise import reference

# One of each kind of part that is replaced.
KINDS = (
    "images transposed",
    "seeds of W1 and W2 swapped",
    "b1 after the ReLU",
    "log(softmax + 1e-10)",
    "TF32 matmul",
    "sum for mean",
    "padding image counted",
    "gradient left in the layout's order",
    "momentum 0.01",
    "accuracy after for before",
    "run one step behind",
)


@pytest.fixture(scope="module")
def hunt(compat, digits, cpu) -> Hunt:
    seed = int(digits.test.images.sum()) % 2**31
    program = Program((Dense(256),), seed=seed, steps=max(STEPS) + 1, report_every=max(STEPS))
    dataset = with_blanks(first(digits, 200))
    return Hunt(program, dataset, cpu, reference.live(compat, program, dataset, STEPS))


def test_one_mutant_of_every_kind_is_killed(hunt):
    mutants = [mutant for mutant in catalogue() if mutant.name in KINDS]
    assert len(mutants) == len(KINDS)
    findings = list(hunt.killed(mutants, jobs=2))
    assert [finding.name for finding in findings] == [mutant.name for mutant in mutants]
    assert not [finding for finding in findings if not finding.held]


def test_a_mutant_that_changes_nothing_survives(hunt):
    (finding,) = hunt.killed([Mutant("nothing", "T1b", "logits", lambda port: port)], jobs=1)
    assert not finding.held
    assert finding.first == "nowhere"
    assert summary([finding], 1).startswith("0 of 1 mutants killed")


@pytest.mark.parametrize(("every", "count"), [(catalogue(), 60), (family.catalogue(), 110)])
def test_mutants_are_chosen_by_a_word_of_their_names_which_all_differ(every, count):
    assert len({mutant.name for mutant in every}) == len(every) >= count
    assert {mutant.name for mutant in chosen(["Adam"], every)} == {one.name for one in every if "Adam" in one.name}
    assert chosen([], every) == every
    with pytest.raises(ConfigError, match=f"fits none of the {len(every)}"):
        chosen(["no such bug"], every)


FAMILY_KINDS = ("Adam's", "half a gradient at hinge")


def test_mutants_of_the_family_die_where_they_must_and_the_port_beside_them_lives(compat, digits, cpu):
    hunted = [mutant for mutant in family.catalogue() if any(word in mutant.name for word in FAMILY_KINDS)]
    for finding in family.hunted(hunted, compat, with_blanks(digits), cpu):
        assert finding.held, finding


def test_an_infinite_ratio_is_text_in_json():
    assert '"inf"' in to_json([Finding("x", "refused", math.inf, "nowhere", True)])
