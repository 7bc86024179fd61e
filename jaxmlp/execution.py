"""HOW a program is computed: layout, precision and chunk. They change roundings and speed, never what is computed."""

import dataclasses
from typing import Annotated, Literal, Optional, get_args

from tyro.conf import arg

from jaxmlp.checks import require, require_count
from jaxmlp.errors import ConfigError

Layout = Literal["auto", "dense", "staircase"]
Precision = Literal["auto", "float32", "bf16x3"]
Screening = Literal["auto", "on", "off"]
LAYOUTS = tuple(name for name in get_args(Layout) if name != "auto")
PRECISIONS = tuple(name for name in get_args(Precision) if name != "auto")


@dataclasses.dataclass(frozen=True)
class Execution:
    """How it is computed: roundings and speed, never results."""

    # `auto` and None leave it to device and number of images: `engine.select`. The docstrings are the commands' --help.
    layout: Layout = "auto"
    """dense: images as they come; staircase: ordered so that blank pixels are not multiplied; auto: what pays"""
    precision: Precision = "auto"
    """of bytes times weights, both at float32 accuracy: one float32 pass or three bf16 passes"""
    chunk: Annotated[Optional[int], arg(metavar="N")] = None
    """images computed on together, by default what suits layout and device; loss and gradient are the full batch's"""

    screening: Screening = "auto"
    """pass over images whose loss and gradient are zero for certain: on, off, or where it pays"""

    def __post_init__(self):
        """Raises ConfigError for an impossible value, naming the field, the value and what is allowed."""
        for name, allowed in (("layout", Layout), ("precision", Precision), ("screening", Screening)):
            names = get_args(allowed)
            require(name, getattr(self, name), getattr(self, name) in names, f"one of {', '.join(names)}")
        if self.screening == "on" and self.layout == "dense":
            raise ConfigError("screening = 'on' packs images anew each step: layout must be staircase or auto")
        if self.chunk is not None:
            require_count("chunk", self.chunk)
