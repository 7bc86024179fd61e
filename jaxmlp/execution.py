"""HOW a program is computed: layout, precision and chunk. They change roundings and speed, never what is computed."""

import dataclasses
from typing import Any, Literal, get_args

from jaxmlp.checks import require, require_count

Layout = Literal["auto", "dense", "staircase"]
Precision = Literal["auto", "float32", "bf16x3"]
LAYOUTS = tuple(name for name in get_args(Layout) if name != "auto")
PRECISIONS = tuple(name for name in get_args(Precision) if name != "auto")


@dataclasses.dataclass(frozen=True)
class Execution:
    """How to compute; `auto` and None leave it to the device (`engine.select`).

    Attributes:
      layout: dense, images as they come; staircase, ordered once so that blank pixels are not multiplied.
      precision: of bytes times weights, both at float32 accuracy: one float32 pass, or three bf16 passes.
      chunk: images computed on together; loss and gradient are the full batch's.

    Raises:
      ConfigError: a value is impossible; names the field, the value and what is allowed.
    """

    layout: Layout = "auto"
    precision: Precision = "auto"
    chunk: int | None = None

    def __post_init__(self):
        require("layout", self.layout, self.layout in get_args(Layout), f"one of {', '.join(get_args(Layout))}")
        allowed = get_args(Precision)
        require("precision", self.precision, self.precision in allowed, f"one of {', '.join(allowed)}")
        if self.chunk is not None:
            require_count("chunk", self.chunk)

    def as_dict(self) -> dict[str, Any]:
        """Every field, for JSON."""
        return dataclasses.asdict(self)
