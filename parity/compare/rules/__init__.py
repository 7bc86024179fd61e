"""What each TensorFlow 1.x optimizer makes of a weight and its gradient: the rule that T3 holds each side to.

A side is held to its own gradient, slots and weights, so that a wrong update is told from a wrong gradient. The rules
are in float64, with a bound of what float32 may round: `compare/rounded.py`.
"""

from parity.compare.rules.clipping import clip_of
from parity.compare.rules.rule import Rule, rule_of
from parity.compare.rules.step import Followed, followed
from parity.compare.rules.update import Update

__all__ = ["Followed", "Rule", "Update", "clip_of", "followed", "rule_of"]
