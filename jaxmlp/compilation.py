"""XLA's compilations: kept from run to run in the user's cache folder, and timed apart from a run's steps."""

import jax
import platformdirs

LOWERING = "/jax/core/compile/jaxpr_to_mlir_module_duration"
COMPILING = "/jax/core/compile/backend_compile_duration"  # also when the persistent cache answers


def keep() -> None:
    """Turns JAX's persistent compilation cache on, unless the user has set one up: theirs is left alone."""
    if jax.config.jax_compilation_cache_dir is None:  # pyright: ignore[reportAttributeAccessIssue]
        jax.config.update("jax_compilation_cache_dir", platformdirs.user_cache_dir("jaxmlp") + "/xla")
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)


class CompileClock:
    """Counts while it is entered: `seconds` spent lowering and compiling, `programs` compiled."""

    def __init__(self):
        self.seconds = 0.0
        self.programs: list[str] = []

    def __enter__(self) -> "CompileClock":
        jax.monitoring.register_event_duration_secs_listener(self._on_event)
        return self

    def __exit__(self, *_: object) -> None:
        jax.monitoring.unregister_event_duration_listener(self._on_event)

    def _on_event(self, event: str, duration_secs: float, **kwargs: str | int) -> None:
        if event in (LOWERING, COMPILING):
            self.seconds += duration_secs
        if event == COMPILING:
            self.programs.append(str(kwargs.get("fun_name", "?")))
