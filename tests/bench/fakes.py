"""Contenders that must be refused: see `fake_peer`."""

from bench.lineup import Peer


def fake(how: str) -> Peer:
    """One that does so."""
    return Peer(how, "fake_peer", (f"how={how}",))
