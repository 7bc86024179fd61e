"""How often a run is kept: `100` steps, `30s`, `never`. No numpy, no jax."""

import math
import re
from typing import NamedTuple

from jaxmlp.errors import ConfigError

DEFAULT = "30s"
SHARE = 0.01  # of a run's time that keeping it at reports, too, may take


class Cadence(NamedTuple):
    """Every so many steps, or seconds; at neither, never."""

    steps: int | None = None
    seconds: float | None = None

    @classmethod
    def of(cls, word: str) -> "Cadence":
        """Raises ConfigError for a word that is none."""
        if word == "never":
            return cls()
        if re.fullmatch(r"[1-9]\d{0,17}", word, re.ASCII):
            return cls(steps=int(word))
        if re.fullmatch(r"\d+(\.\d+)?s", word, re.ASCII) and 0 < (seconds := float(word[:-1])) < math.inf:
            return cls(seconds=seconds)
        raise ConfigError(
            f"checkpoint_every = {word!r} is impossible: it must be a number of steps, as 100, of seconds, as 30s, "
            "or never"
        )

    def due(self, steps: int, seconds: float) -> bool:
        """Whether so many steps and seconds after the last time it is time again."""
        of_steps = self.steps is not None and steps >= self.steps
        return of_steps or (self.seconds is not None and seconds >= self.seconds)

    def due_at_report(self, seconds: float, cost: float) -> bool:
        """Whether a report is an occasion, too: not where the last one cost more seconds than its share of these."""
        return self != Cadence() and cost <= SHARE * seconds
