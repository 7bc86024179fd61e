"""How long XLA compiled and how often: JAX's own monitoring events, so that compile time is never part of a step's."""

import jax

LOWERING = "/jax/core/compile/jaxpr_to_mlir_module_duration"
COMPILING = "/jax/core/compile/backend_compile_duration"  # also when the persistent cache answers


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
