"""The original TensorFlow 1.x MNIST program in JAX: `python -m jaxmlp` lists the commands, and this is the library.

    data = jaxmlp.load("mnist")
    model = jaxmlp.fit(jaxmlp.Program(steps=50), data)
    model.save("model.safetensors")
    model = jaxmlp.Model.load("model.safetensors")  # or a run's folder
    print(model.predict(data.test.images[:5]), model.evaluate(data.test))

Names are imported when they are first asked for, so that `import jaxmlp` costs no jax.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxmlp.classifier import Model, fit
    from jaxmlp.data import load
    from jaxmlp.program import Dense, Program

__version__ = "0.1.0"
__all__ = ["Dense", "Model", "Program", "__version__", "fit", "load"]

_HOMES = {"Dense": "program", "Model": "classifier", "Program": "program", "fit": "classifier", "load": "data"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'jaxmlp' has no attribute {name!r}")
    return getattr(importlib.import_module(f"jaxmlp.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
