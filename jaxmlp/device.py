"""Which device a run uses: the one that was asked for, or a clear refusal. Serves the commands."""

import importlib.util
import os
import re

import jax

from jaxmlp.errors import DeviceError

_CUDA = "install jaxmlp[cuda12] or jaxmlp[cuda13]: pip install -e '.[cuda12]'"
REMEDY = {"gpu": _CUDA, "cuda": _CUDA, "tpu": "install jaxmlp[tpu] on a TPU machine: pip install -e '.[tpu]'"}
# Switches of JAX under which nobody can train anything, and the values that do that. `jax_scan3` is unfinished in
# jax 0.12: its loops have no gradient, and sums in them come out wrong.
_FORBIDDING = {
    **dict.fromkeys(("jax_no_tracing", "jax_no_execution", "jax_scan3"), True),
    **{f"jax_transfer_guard{way}": "disallow_explicit" for way in ("", "_host_to_device", "_device_to_host")},
}


def pick(name: str) -> jax.Device:
    """The first device of the platform `name` (cpu, gpu or tpu), or JAX's own choice for auto.

    Raises DeviceError where there is none, naming the platforms there are; never falls back to another.
    """
    _require_no_ban()
    if name == "cpu" and "cpu" in (_asked()[1] or "cpu").split(","):
        jax.config.update("jax_platforms", "cpu")  # leaves a GPU and its memory alone
    try:
        default = jax.devices()[0]  # whatever is asked for, JAX must be able to start
        return default if name == "auto" else jax.devices(name)[0]
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(_missing(name, error)) from None


def full_name(device: jax.Device) -> str:
    """For example `cpu (cpu:0)` or `gpu (NVIDIA H200)`."""
    return f"{device.platform} ({device.device_kind if device.platform != 'cpu' else device})"


def _asked() -> tuple[str, str]:
    """The variable by which the user names platforms, and its value; empty where JAX may choose."""
    for switch in ("jax_platforms", "jax_platform_name"):
        variable = switch.upper()
        if value := getattr(jax.config, switch, None) or os.environ.get(variable):  # the second is no attribute
            return variable, value
    return "JAX_PLATFORMS", ""


def _require_no_ban() -> None:
    for switch, value in _FORBIDDING.items():
        if getattr(jax.config, switch, None) == value:
            raise DeviceError(f"{switch.upper()}={value} forbids what every run needs; unset it")


def _missing(name: str, error: Exception) -> str:
    if not (present := _present()):
        return _not_started(error)
    variable, value = _asked()
    remedy = f"{variable}={value} hides any other; unset it" if value else f"or {REMEDY.get(name, 'wait')}"
    return f"no {name} on this machine: JAX sees only {', '.join(present)}. Use --device {present[0]}; {remedy}"


def _not_started(error: Exception) -> str:
    """JAX finds nothing at all: it was asked for one platform only, or stopped at a plugin that is broken."""
    variable, value = _asked()
    asked = value.split(",")
    said = re.sub(r"\((set|you may need) .*", "", " ".join(str(error).split()))
    found = re.search(r"Unable to initialize backend '(.*?)': (.*?)\.? *$", said)
    failed, cause = (found[1], f" ({found[2]})") if found else ("", "")
    if not value:
        install = REMEDY.get(failed, "mend it")
        return f"JAX cannot start {failed or 'any device'}{cause}; set JAX_PLATFORMS=cpu to do without it, or {install}"
    platform = failed if failed in asked else next((one for one in asked if one != "cpu"), "cpu")
    called = platform if platform.isalnum() else repr(platform)
    if platform in ("cuda", "gpu") and _has_cuda():
        return f"{variable} asks for {called}, but no NVIDIA GPU can be used here{cause}; unset it"
    install = f" or {REMEDY[platform]}" if platform in REMEDY else ""
    return f"{variable} asks for {called}, which this jax install lacks{cause}; unset it{install}"


def _has_cuda() -> bool:
    return any(importlib.util.find_spec(f"jax_cuda{version}_plugin") for version in (12, 13))


def _present() -> list[str]:
    try:
        return sorted({"gpu" if d.platform in ("cuda", "rocm") else d.platform for d in jax.devices()})
    except (RuntimeError, AssertionError):
        return []
