"""Where a result was measured: processor, cores, versions, and the command. Serves `result`."""

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

LIBRARIES = ("jax", "jaxlib", "numpy", "optax")


def processor() -> str:
    """The processor's name as the system gives it, and the cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_model()}, {cores} cores"


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Python's and the port's libraries'; peers name their own."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in LIBRARIES}}


def command(argv: list[str] | None = None) -> str:
    """The command as it was typed, absolute paths shortened to their last part: a result names no one's folders."""
    words = sys.argv[1:] if argv is None else argv
    return " ".join(["python -m bench", *(Path(word).name if word.startswith(("/", "~")) else word for word in words)])
