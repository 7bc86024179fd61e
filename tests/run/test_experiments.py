"""What a sweep lays out for its programs: for each what it alone would get."""

import dataclasses

import jax
import pytest

from jaxmlp.data.generated import generated_digits
from jaxmlp.engine.screening import Screening
from jaxmlp.execution import Execution
from jaxmlp.program import Dense, Program
from jaxmlp.run.experiments import Sets

FAR_APART = Program((Dense(1024),), steps=3)  # its first margins are wide, so that screening pays
CLOSE = dataclasses.replace(FAR_APART, scale=255)
DIGITS = generated_digits(2000, 10)


@pytest.mark.parametrize("programs", [(FAR_APART, CLOSE), (CLOSE, FAR_APART)], ids=["far first", "close first"])
def test_a_program_is_screened_or_not_whatever_programs_came_before(programs):
    sets = Sets(lambda _seed: DIGITS, Execution(), jax.devices("cpu")[0])
    screened = {program.scale: isinstance(sets.placed(program).engine, Screening) for program in programs}
    assert screened == {FAR_APART.scale: True, CLOSE.scale: False}


def test_programs_that_are_computed_alike_share_what_is_laid_out():
    sets = Sets(lambda _seed: DIGITS, Execution(), jax.devices("cpu")[0])
    assert sets.placed(CLOSE) is sets.placed(dataclasses.replace(CLOSE, seed=1))
