"""Somebody else's program: its recording, and the judgement of any step beside it. NumPy only.

recording = load("adopted/train")
prove(recording, step).raise_if_different()
"""

from parity.compare.recorded.proof import Different, Proof, load, prove
from parity.compare.recorded.recording import Program, Recording

__all__ = ["Different", "Program", "Proof", "Recording", "load", "prove"]
