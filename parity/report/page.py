"""One self-contained page about a proof: `page.html` with the proof's JSON in it. No network, no library."""

import json
from pathlib import Path
from typing import Any

from parity.report.plain import as_plain
from parity.report.proof import Proof

TEMPLATE = Path(__file__).with_name("page.html")
SLOT = "/*PROOF*/null"


def render(proof: Proof, mutants: Any = None) -> str:
    """The page as HTML. `mutants`: what `python -m parity mutants --json` wrote, read, to be shown as well."""
    # A "</script>" in a name would end the script early; JSON allows the slash to be escaped.
    text = json.dumps(as_plain(proof) | {"mutants": mutants}, ensure_ascii=False).replace("</", "<\\/")
    return TEMPLATE.read_text(encoding="utf-8").replace(SLOT, text, 1)
