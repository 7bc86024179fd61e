"""One self-contained page about a proof: `page.html` filled in. Without a script all but the curves is there."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from parity.report import markup
from parity.report.plain import as_plain, plain
from parity.report.proof import Proof

TEMPLATE = Path(__file__).with_name("page.html")
POLICY = "<!--POLICY-->"  # in the head, before all that a name may stand in
SLOT = "/*PROOF*/null"  # the data of the curves


def render(proof: Proof, findings: Sequence[NamedTuple] = ()) -> str:
    """The page as HTML. `findings`: what became of the mutants, to be shown as well."""
    told: dict[str, Any] = as_plain(proof) | {"mutants": [plain(finding._asdict()) for finding in findings]}
    parts = {
        "<!--VERDICT-->": markup.verdict(told),
        "<!--CARDS-->": markup.cards(told),
        "<!--ENGINES-->": markup.engines(told),
        "<!--MUTANTS-->": markup.mutants(told),
        "<!--PROVENANCE-->": markup.provenance(told),
        # "</script>" in a name would end the script early, "<!--<script>" never: JSON allows escaping.
        SLOT: json.dumps(told, ensure_ascii=False).replace("<", "\\u003c"),
    }
    # In one pass: a name that looks like a slot stays a name.
    pieces = "|".join(map(re.escape, parts))
    html = re.sub(pieces, lambda slot: parts[slot[0]], TEMPLATE.read_text(encoding="utf-8"))
    return html.replace(POLICY, _policy(html), 1)


def _policy(html: str) -> str:
    """Nothing is loaded from anywhere, and no script runs but the page's own, by its digest (W3C, CSP level 2)."""
    script = html[html.index("<script>") + len("<script>") : html.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f'<meta http-equiv="Content-Security-Policy" content="{allowed}">'
