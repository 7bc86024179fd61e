"""The device that a problem names and the memory it has used, for every peer that stands on JAX."""

import jax

from jaxmlp.device import pick


def use(name: str) -> jax.Device:
    """Makes the platform `name` the default of this process. Raises DeviceError, naming what is there."""
    device = pick(name)
    jax.config.update("jax_default_device", device)
    return device


def peak() -> int | None:
    """Bytes of device memory at the most; None on a CPU, where it is the process's own."""
    stats = jax.devices()[0].memory_stats()
    return stats and stats.get("peak_bytes_in_use")
