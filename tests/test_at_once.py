"""`docs/at_once.py` times two ways of the same training: they agree."""

import importlib.util
from pathlib import Path

import numpy as np

SCRIPT = Path(__file__).parent.parent / "docs" / "at_once.py"


def test_cells_trained_at_once_and_in_turn_have_the_same_losses(digits):
    spec = importlib.util.spec_from_file_location("at_once", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    at_once = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(at_once)
    both = at_once.ways(digits, hidden=5, size=20)
    rows = both.rows(6)
    _, turned = both.in_turn(both.states(), rows)
    _, vmapped = both.at_once(both.states(), rows)
    assert turned.shape == (6, len(at_once.RATES))
    np.testing.assert_allclose(turned, vmapped, rtol=1e-3)
    assert len(set(turned[-1])) == len(at_once.RATES)
