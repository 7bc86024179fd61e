"""Progress: a line at least every ten seconds where there is no terminal, from a thread of its own."""

import time

from jaxmlp import progress
from jaxmlp.progress import Progress


def test_a_long_piece_is_not_silent(capsys, monkeypatch):
    monkeypatch.setattr(progress, "INTERVAL", 0.02)
    told, said, deadline = Progress(4, "step", "training"), "", time.monotonic() + 60
    told.update(1, "loss 3.5")
    with told:
        while said.count("\n") < 2 and time.monotonic() < deadline:  # no update: the piece is long
            time.sleep(0.02)
            said += capsys.readouterr().err
    lines = said.splitlines()[:2]
    assert len(lines) == 2
    assert all(line.startswith("… training: 1 of 4 steps in ") and line.endswith("loss 3.5") for line in lines)


def test_nothing_is_said_when_hidden_or_done_at_once(capsys, monkeypatch):
    with Progress(1, "image", "drawing"):
        pass
    monkeypatch.setattr(progress, "INTERVAL", 0.01)
    with Progress(1, "image", "drawing", hidden=True):
        time.sleep(0.05)
    assert capsys.readouterr().err == ""


def test_what_is_left_is_told_from_what_was_done():
    told = Progress(60_000, "image", "drawing")
    told.update(30_000)
    told._started = time.monotonic() - 12
    assert told.line() == "… drawing: 30,000 of 60,000 images in 12 s, about 12 s left"
