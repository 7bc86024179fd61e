"""The family's report: what agrees, what does not and where, what was not compared, said aloud."""

import json
import math

import pytest

from parity.compare.tiers import Check
from parity.report.family import Row, line, smallest, summary, to_json, verdict

GOOD = Check("T2", "weights_1", 1, 2e-7, 1e-5, "of the norm")
BAD = Check("T3", "m of weights_2", 2, 30.0, 1, "of the bound")
SILENT = Check("T2", "biases_1", 0, 0.2, 0.5, "of the norm")


def row(name="0", checks=(GOOD,), own_rule=(), undetermined=(), diverged=None, error=""):
    passed = not error and all(check.passed for check in (*checks, *own_rule))
    return Row(name, {"seed": 3}, passed, "in words", checks, own_rule, undetermined, diverged, error)


def test_a_line_says_what_became_of_a_program():
    assert line(row()) == "program 0: agrees: in words"
    assert line(row(checks=(GOOD, BAD))).startswith("program 0: DISAGREES: ")
    assert line(row(checks=(), error="TensorFlow: no")).startswith("program 0: CANNOT COMPARE: ")


def test_what_was_not_compared_is_said_aloud():
    silent, short = row("1", (GOOD, SILENT), undetermined=(SILENT,)), row("2", diverged=1)
    assert "1 of 2 checks say nothing" in line(silent)
    assert "not finite from step 1 on, on both sides" in line(short)
    told = summary([row(), silent, short], {})
    assert "1 checks say nothing" in told
    assert "programs 1" in told
    assert "compared no further: programs 2" in told


def test_the_summary_has_what_was_covered_and_the_nearest_of_each_tier():
    nearer = row("7", (GOOD._replace(measured=9e-6, tensor="biases_3"), BAD._replace(measured=0.5)))
    told = summary([row(), nearer], {"activation": {"relu": 2, "tanh": 1}})
    assert "  activation        relu 2, tanh 1" in told
    assert "T2 gradient            2       0.9  program 7, biases_3, step 1" in told
    assert "T3 update              1       0.5  program 7, m of weights_2, step 2" in told


@pytest.mark.parametrize(
    ("rows", "said"), [([row(), row()], "PROVEN: 2 of 2"), ([row(), row(checks=(BAD,))], "NOT proven: 1 of 2")]
)
def test_the_verdict_counts(rows, said):
    assert verdict(rows).startswith(said)


def test_a_smallest_program_is_told_with_tier_tensor_step_and_side():
    ours, theirs = row("4", (GOOD, BAD)), row("4", own_rule=(BAD,))
    assert "the port, T3 m of weights_2, step 2: measured 30 of the bound, limit 1\nseed = 3" in smallest(
        ours, "seed = 3"
    )
    assert "TensorFlow's own update, against the rule of T3" in smallest(theirs, "seed = 3")


def test_json_holds_every_check_and_only_numbers_that_json_has():
    content = json.loads(to_json([row(checks=(GOOD, BAD._replace(measured=math.inf)))], {"seed": 1}))
    (program,) = content["programs"]
    assert [check["passed"] for check in program["checks"]] == [True, False]
    assert program["checks"][1]["measured"] == "inf"
    assert program["program"] == {"seed": 3}
