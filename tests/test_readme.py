"""The pages keep their word: the README's snippet runs as it stands, links lead somewhere, options exist."""

import contextlib
import io
import re
from pathlib import Path

import fuzz
import pytest

import bench.__main__
import jaxmlp
import parity.__main__
from jaxmlp import runs, sweep, train

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = PAGES[0].read_text(encoding="utf-8")
OTHERS = {"--to"}  # jupytext's

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def test_the_six_lines_run_as_they_stand(tmp_path, monkeypatch, capsys, digits):
    snippet = re.search(r"<!-- six lines -->\n```python\n(.*?)```", README, re.DOTALL)
    assert snippet is not None
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jaxmlp.data.load", lambda name: digits)  # a few hundred images, and no network
    exec(compile(snippet[1], "README.md", "exec"), {})
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]
    predicted = jaxmlp.Model.load("model.safetensors").predict(digits.test.images[:5])
    assert capsys.readouterr().out.startswith(f"{predicted} Evaluation(loss=")


@each_page
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert links or page.name == "benchmark.md"
    assert not [link for link in links if not (page.parent / link).exists()]


@each_page
def test_files_that_are_named_are_there(page):
    named = re.findall(r"`((?:jaxmlp|parity|bench|tests|docs)/[\w/]+\.(?:py|md|json|npz))`", page.read_text("utf-8"))
    assert not [name for name in named if not (ROOT / name).exists()]


@pytest.fixture(scope="module")
def options() -> set[str]:
    """Every option of every command, from its --help."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "200")
        return set().union(
            *map(_options, (train.main, sweep.main, runs.main, bench.__main__.main, parity.__main__.main, fuzz.main))
        )


def _options(main) -> set[str]:
    words = [[word] for word in parity.__main__.COMMANDS] if main is parity.__main__.main else []
    return set().union(*(_told(main, [*word, "--help"]) for word in [[], *words]))


def _told(main, arguments) -> set[str]:
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.suppress(SystemExit):
        main(arguments)
    return set(re.findall(r"--[a-z][\w-]*", told.getvalue()))


@each_page
def test_options_that_are_named_exist(page, options):
    assert {"--precision", "--only", "--grow", "--preset", "--junit"} <= options
    named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", page.read_text(encoding="utf-8")))
    assert not named - options - OTHERS


LONGEST, USUAL = 25, 15  # words of a sentence, and of one on average


def _sentences(page: str) -> list[str]:
    """The prose of a page: no code, tables or headings; a code word or a link counts as one word."""
    prose = re.sub(r"<!--.*?-->|^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"`[^`]*`|!?\[[^]]*\]\([^)]*\)", "it", prose)
    blocks = [
        block for block in re.split(r"\n\s*\n|\n(?=[-*] |\d+\. )", prose) if not re.match(r"\s*(#|\||    )", block)
    ]
    return [one for block in blocks for one in re.split(r"(?<=[.!?])[*)”]*\s+", " ".join(block.split())) if one]


@each_page
def test_sentences_are_short(page):
    lengths = {one: len(re.findall(r"\w[^\s]*", one)) for one in _sentences(page.read_text(encoding="utf-8"))}
    assert not [one for one, words in lengths.items() if words > LONGEST]
    assert sum(lengths.values()) / len(lengths) <= USUAL


def test_a_long_sentence_is_noticed():
    long = " ".join(["word"] * 26)
    assert _sentences(f"# {long}\n\nShort. {long}.\n\n```\n{long}\n```\n\n- One; two.\n") == [
        "Short.",
        f"{long}.",
        "- One; two.",
    ]
