"""The options of a command that say what is computed, flat; `ProgramOptions.program` makes the `Program`."""

import dataclasses
from typing import Annotated, Any, ClassVar

from tyro.conf import arg

from jaxmlp.program import Program
from jaxmlp.program_options import overrides
from jaxmlp.program_options.groups import (
    ALTERNATIVES,
    BaseOptions,
    BatchOptions,
    InitializerOptions,
    LossOptions,
    NetworkOptions,
    OptimizerOptions,
    ScheduleOptions,
)


@dataclasses.dataclass(frozen=True)
class ProgramOptions:
    """What is computed: the original program, unless told otherwise. An option that is not given is None."""

    alternatives: ClassVar = ALTERNATIVES
    base: Annotated[BaseOptions, arg(name="program")] = BaseOptions()
    network: NetworkOptions = NetworkOptions()
    initializer: InitializerOptions = InitializerOptions()
    loss: LossOptions = LossOptions()
    optimizer: OptimizerOptions = OptimizerOptions()
    schedule: ScheduleOptions = ScheduleOptions()
    batch: BatchOptions = BatchOptions()

    def __post_init__(self):
        self.program()  # refuses what cannot be

    def given(self) -> dict[str, Any]:
        """Those that were given, by name, whatever group they are in."""
        pairs = (pair for group in vars(self).values() for pair in vars(group).items())
        return {name: value for name, value in pairs if value is not None}

    def repeating(self) -> dict[str, Any]:
        """The options that make this program whatever becomes of a preset or a file: then the whole of it is one."""
        given = self.given()
        return {"program": self.program().as_dict()} if {"preset", "program"} & given.keys() else given

    def program(self) -> Program:
        """The program. Raises ConfigError naming the option."""
        return overrides.program(self.given())
