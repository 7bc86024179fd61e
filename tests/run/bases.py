"""Options of a command that make a program: few, so that every other field of a sweep is a path."""

import dataclasses

from jaxmlp.program import Dense, GradientDescent, Program


@dataclasses.dataclass(frozen=True)
class Base:
    """As `ProgramOptions`, whose fields are more."""

    learning_rate: float = 1e-4
    steps: int = 301
    seed: int = 0

    def program(self) -> Program:
        """The original with these."""
        return Program((Dense(1024),), optimizer=GradientDescent(self.learning_rate), steps=self.steps, seed=self.seed)
