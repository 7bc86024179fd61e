"""XLA's compilations: kept from run to run in the user's cache folder, and timed apart from a run's steps."""

import time
import warnings

import jax
import platformdirs

from jaxmlp.errors import JaxmlpWarning
from jaxmlp.seals import Seals

TRACING = "/jax/core/compile/jaxpr_trace_duration"  # of one function within another, too
LOWERING = "/jax/core/compile/jaxpr_to_mlir_module_duration"
COMPILING = "/jax/core/compile/backend_compile_duration"  # also when the persistent cache answers


def keep() -> None:
    """Turns JAX's persistent compilation cache on, unless the user has set one up: theirs is left alone.

    Its entries are sealed, see `seals`. Warns where they cannot be, and compiles anew.
    """
    if jax.config.jax_compilation_cache_dir is not None:  # pyright: ignore[reportAttributeAccessIssue]
        return
    folder = platformdirs.user_cache_path("jaxmlp") / "compiled"  # not xla: earlier versions seal none
    try:
        seals = Seals(folder)
    except OSError as error:
        told = f"{error.filename or folder}: {error.strerror or error}"
        warnings.warn(f"compiled programs are not kept: {told}", JaxmlpWarning, stacklevel=2)
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)

    def on_event(event: str, duration_secs: float, **_: str | int) -> None:
        if event == COMPILING:  # which ends when the entry is written
            seals.add()

    jax.monitoring.register_event_duration_secs_listener(on_event)


class CompileClock:
    """Counts while it is entered: `seconds` spent tracing, lowering and compiling, `programs` compiled."""

    def __init__(self):
        self._spans: list[tuple[float, float]] = []  # from when to when, in order, none within another
        self.programs: list[str] = []

    @property
    def seconds(self) -> float:
        return sum(end - start for start, end in self._spans)

    def __enter__(self) -> "CompileClock":
        jax.monitoring.register_event_duration_secs_listener(self._on_event)
        return self

    def __exit__(self, *_: object) -> None:
        jax.monitoring.unregister_event_duration_listener(self._on_event)

    def _on_event(self, event: str, duration_secs: float, **kwargs: str | int) -> None:
        if event in (TRACING, LOWERING, COMPILING):
            end = time.monotonic()
            start = end - duration_secs
            while self._spans and self._spans[-1][0] >= start:  # it was within this one
                self._spans.pop()
            self._spans.append((start, end))
        if event == COMPILING:
            self.programs.append(str(kwargs.get("fun_name", "?")))
