"""The report answers "is it the same program?" first, in every form, and names the first divergence."""

import importlib.util
import io
import json
import math
import re
import shutil
from xml.etree import ElementTree

import numpy as np
import pytest

from parity.compare.diagnosis import first_divergence, meaning, tensors_bytes
from parity.compare.probe import PROBE
from parity.compare.rules import rule_of
from parity.compare.tiers import Check, own_rule
from parity.mutants.finding import Finding
from parity.noise.ensemble import budget
from parity.report import page
from parity.report.junit import to_junit
from parity.report.plain import to_json
from parity.report.plot import curves
from parity.report.proof import Candidate, Proof, scope
from parity.report.text import table


def check(tier, tensor, step, measured, limit):
    return Check(tier, tensor, step, measured, limit, "relative")


@pytest.fixture
def proof(small):
    return proof_of(small, small.reference.series)


def proof_of(small, other) -> Proof:
    """Of the reference itself, allowed what its run differs by from another one."""
    series = small.reference.series
    allowed = budget(series, {"other": other})
    ours = small.reference._replace(header={**small.reference.header, "side": "subject"})
    candidate = Candidate("dense float32", ours.header["provenance"], small.checks(ours, allowed), series)
    program = small.program.as_dict()
    rule = own_rule(small.reference, rule_of(program))
    made = {"date": "2026-01-02 03:04 UTC", "command": "python -m parity --some", "processor": "a machine"}
    told = small.reference._replace(steps={})
    return Proof(program, "60 digits", told, rule, [candidate], allowed, made=made, beyond="--full adds more")


@pytest.fixture
def broken(proof):
    bad = [
        check("T2", "biases_1", 0, 1e-2, 1e-5),
        check("T1", "loss", 5, 1e-3, 1e-6),
        check("T3", "weights_1", 0, float("nan"), 1),
    ]
    return proof._replace(candidates=[proof.candidates[0]._replace(checks=[*proof.candidates[0].checks, *bad])])


def test_a_proof_says_so_in_the_first_line(proof):
    assert (
        table(proof).splitlines()[0].startswith("PROVEN on 60 digits, at 1 starting point and 3 free steps: the port")
    )
    assert table(proof).splitlines()[-1] == "--full adds more"


def test_the_scope_holds_no_more_than_was_asserted(proof, small):
    assert scope(proof._replace(budget=None)) == "on 60 digits, at 1 starting point"
    assert scope(proof._replace(budget=proof.budget._replace(horizon=1))).endswith("and 2 free steps")
    assert scope(proof._replace(budget=proof.budget._replace(horizon=-1))) == "on 60 digits, at 1 starting point"


def test_every_form_says_what_it_is_about_and_where_it_is_from(proof):
    forms = table(proof), to_json(proof), to_junit(proof), without_script(page.render(proof))
    for form in forms:
        for told in (scope(proof), "2026-01-02 03:04 UTC", "python -m parity --some", "a machine", "jaxlib"):
            assert told in form


def without_script(html):
    return html[: html.index("<script>")]


def test_a_divergence_is_named_with_step_tier_tensor_and_meaning(broken):
    lines = table(broken).splitlines()
    assert lines[0].startswith("NOT the same program")
    assert "first divergence: T2, biases_1, step 0: 0.01 relative, 1e+03 times its limit of 1e-05" in lines
    assert any(line.startswith("usually: ") for line in lines)


def test_an_ensemble_that_parts_at_once_asserts_nothing_and_says_so(small):
    series = small.reference.series
    proof = proof_of(small, {**series, "losses": series["losses"] * np.float32(1.001)})
    assert not [check for check in proof.candidates[0].checks if check.tier == "T4"]
    assert "not asserted: the ensemble parts at step 0" in table(proof)
    assert "starting points: 0; free run" in table(proof)


def test_no_checks_at_all_prove_nothing(proof):
    assert not proof._replace(candidates=[]).proven


@pytest.mark.parametrize(
    ("checks", "first"),
    [
        ([check("T4", "loss", 1, 2, 1), check("T3", "weights_1", 9, 2, 1)], "T3"),
        ([check("T2", "biases_1", PROBE, 2, 1), check("T3", "biases_1", 300, 2, 1)], "T3"),
        ([check("T1b", "logits", 0, 2, 1), check("T0", "train pixels", None, 1, 0)], "T0"),
        ([check("T2b", "weights_1", 0, 2, 1), check("T1b", "logits", 0, 2, 1)], "T1b"),
    ],
)
def test_the_first_divergence_is_the_earliest_and_most_basic(checks, first):
    assert first_divergence(checks).tier == first


def test_momentum_is_guessed_from_a_wrong_second_step():
    checks = [check("T3", "weights_1", 0, 0, 1), check("T3", "weights_1, second step", 0, 40, 1)]
    assert "momentum" in meaning(checks)


def test_json_holds_every_check_and_no_bare_nan(broken):
    read = json.loads(to_json(broken), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert read["proven"] is False
    assert len(read["candidates"][0]["checks"]) == len(broken.candidates[0].checks)
    assert "nan" in [c["measured"] for c in read["candidates"][0]["checks"]]


def test_junit_counts_the_failures(broken):
    suite = ElementTree.fromstring(to_junit(broken))[0]
    assert suite.get("failures") == "3"
    assert len(suite.findall("testcase/failure")) == 3
    assert suite.get("tests") == str(len(broken.candidates[0].checks))


def test_both_sides_tensors_are_kept(small):
    content = tensors_bytes(0, small.reference, small.reference)
    with np.load(io.BytesIO(content), allow_pickle=False) as npz:
        np.testing.assert_array_equal(npz["reference/grads/weights_1"], npz["subject/grads/weights_1"])


def test_the_page_reaches_for_nothing_outside_itself(proof):
    html = page.render(proof)
    outside = set(re.findall(r"https?://[^\s\"')]+", html)) - {"http://www.w3.org/2000/svg"}
    assert not outside
    assert not re.search(r"<(script|link|img|iframe)[^>]*\b(src|href)=", html)
    assert page.SLOT not in html


def test_the_page_survives_a_hostile_name(proof):
    html = page.render(proof._replace(source=f"</script><script>alert(1)</script><!--CARDS-->{page.SLOT}"))
    assert html.count("</script>") == html.count("<script>") == 1
    assert html.count('class="card"') == page.render(proof).count('class="card"')


@pytest.mark.durability_too("a page with hostile names")
def test_no_script_runs_in_the_page_but_its_own(browser, proof, tmp_path):
    html = page.render(proof)
    assert html.index("Content-Security-Policy") < html.index("<title>")
    stray = html.replace("</title>", "</title><script>document.title = 'stray'</script>")
    stray = stray.replace("<body>", "<body onload=\"document.title = 'stray'\">").replace(
        '"use strict";', '"use strict"; '
    )
    for name, content, runs in (("own", html, True), ("stray", stray, False)):
        (tmp_path / name).with_suffix(".html").write_text(content, encoding="utf-8")
        opened = browser.new_page()
        opened.goto((tmp_path / name).with_suffix(".html").as_uri())
        assert opened.title() == "Is it the same program?"
        assert (opened.locator("svg path").count() >= 3) == runs, "one that was changed is another"


def test_the_figure_is_a_png_with_and_without_a_budget(proof, broken):
    for one in (proof, broken, proof._replace(budget=None)):
        assert curves(one).startswith(b"\x89PNG")


@pytest.fixture
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if importlib.util.find_spec("playwright") is None or chromium is None:
        pytest.skip("needs playwright and a Chromium: pip install -e '.[dev]', apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
@pytest.mark.parametrize("right", [True, False])
def test_the_first_screen_answers_the_question(browser, proof, broken, tmp_path, width, height, right):
    (tmp_path / "page.html").write_text(page.render(proof if right else broken), encoding="utf-8")
    opened = browser.new_page(viewport={"width": width, "height": height})
    errors, asked = [], []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto((tmp_path / "page.html").as_uri())
    answer = opened.get_by_text(f"{'Yes' if right else 'No'}, {scope(proof)}.")
    box = answer.bounding_box()
    assert box["y"] + box["height"] < height
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.locator("svg path").count() >= 3
    assert not errors
    assert len(asked) == 1


@pytest.mark.parametrize("script", [True, False])
def test_every_engines_table_can_be_read_with_and_without_a_script(browser, proof, tmp_path, script):
    two = proof._replace(
        candidates=[one._replace(name=name) for name in ("first", "second") for one in proof.candidates]
    )
    findings = [Finding("a mutant", "T1 loss", math.inf, "T1 loss, step 0", True)]
    (tmp_path / "page.html").write_text(page.render(two, findings), encoding="utf-8")
    opened = browser.new_context(java_script_enabled=script).new_page()
    opened.goto((tmp_path / "page.html").as_uri())
    shown = [engine.is_visible() for engine in opened.locator(".engine").all()]
    assert shown == ([True, False] if script else [True, True])
    assert [figure.is_visible() for figure in opened.locator("figure").all()] == [script] * 3
    assert opened.get_by_text("a mutant").is_visible()
    if script:
        opened.get_by_role("button", name="second").click()
        assert [engine.is_visible() for engine in opened.locator(".engine").all()] == [False, True]
    opened.emulate_media(media="print")
    assert all(engine.is_visible() for engine in opened.locator(".engine").all())
