"""Which device a run uses: the one that was asked for, or a clear refusal. Serves the commands."""

import jax

from jaxmlp.errors import DeviceError

REMEDY = {
    "gpu": "for an NVIDIA GPU: pip install -e '.[cuda12]' or '.[cuda13]'",
    "tpu": "on a TPU machine: pip install -e '.[tpu]'",
    "cpu": "unset JAX_PLATFORMS, or add cpu to it",
}


def pick(name: str) -> jax.Device:
    """The first device of the platform `name` (cpu, gpu or tpu), or JAX's own choice for auto.

    Raises DeviceError where there is none, naming the platforms there are; never falls back to another.
    """
    if name == "cpu" and "cpu" in (jax.config.jax_platforms or "cpu").split(","):  # pyright: ignore[reportAttributeAccessIssue]
        jax.config.update("jax_platforms", "cpu")  # leaves a GPU and its memory alone
    try:
        return jax.devices(None if name == "auto" else name)[0]
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(_missing(name, error)) from None


def full_name(device: jax.Device) -> str:
    """For example `cpu (cpu:0)` or `gpu (NVIDIA H200)`."""
    return f"{device.platform} ({device.device_kind if device.platform != 'cpu' else device})"


def _missing(name: str, error: Exception) -> str:
    if not (present := _present()):
        cause = (str(error).strip().splitlines() or ["unknown cause"])[0]
        return f"JAX finds no device at all (JAX_PLATFORMS={jax.config.jax_platforms}): {cause}"  # pyright: ignore[reportAttributeAccessIssue]
    return f"no {name} on this machine: JAX sees only {', '.join(present)}. Use --device {present[0]}; {REMEDY[name]}"


def _present() -> list[str]:
    try:
        return sorted({"gpu" if d.platform in ("cuda", "rocm") else d.platform for d in jax.devices()})
    except (RuntimeError, AssertionError):
        return []
