"""Compiled programs kept from run to run in the user's cache folder. Serves the commands."""

import jax
import platformdirs


def enable() -> None:
    """Turns JAX's persistent compilation cache on, unless the user has set one up: theirs is left alone."""
    if jax.config.jax_compilation_cache_dir is None:  # pyright: ignore[reportAttributeAccessIssue]
        jax.config.update("jax_compilation_cache_dir", platformdirs.user_cache_dir("jaxmlp") + "/xla")
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
