"""The proof: whether the JAX port computes what the TensorFlow 1.x program computes. `python -m parity`.

And for a program of your own, recorded by `python -m parity adopt`, in your own tests, with NumPy and your framework:

    import parity

    recording = parity.load("adopted/train")
    parity.prove(recording, step).raise_if_different()

Names are imported when they are first asked for, so that `python -m parity --help` waits for no NumPy.
"""

from __future__ import annotations  # TensorFlow 1.15 imports what lies in this package, in Python 3.7

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parity.compare.recorded import load, prove

__all__ = ["load", "prove"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'parity' has no attribute {name!r}")
    return getattr(importlib.import_module("parity.compare.recorded"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
