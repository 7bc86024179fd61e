"""What this machine can do at most: measured matmul and copy peaks. Also says which device "auto" is.

A process of its own, `python -m bench.roofline DEVICE`, so that its memory and its threads are gone before a
contender starts; `measure` starts it.
"""

import functools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from bench.contender import ROOT
from jaxmlp.errors import DeviceError, JaxmlpError
from jaxmlp.progress import Progress


class Roofline(NamedTuple):
    """The ceiling that no program on this device gets through."""

    device: str  # cpu, gpu or tpu
    device_name: str  # of an accelerator, as it calls itself; empty for a CPU
    float32_gflops: float  # the best square matmul, float32 accuracy
    float32_by: str  # who reached it
    bfloat16_gflops: float | None  # bfloat16 operands, float32 sums; None on a CPU
    copy_gb_per_s: float  # bytes read plus bytes written

    def least_seconds(self, float32: float, bfloat16: float) -> float:
        """What so many operations take at the peaks."""
        on_bfloat16 = bfloat16 / (self.bfloat16_gflops or self.float32_gflops)
        return (float32 / self.float32_gflops + on_bfloat16) / 1e9


def measure(device: str) -> Roofline:
    """Runs this file for a device name of the command line. Raises DeviceError when there is none such."""
    command = [sys.executable, "-m", "bench.roofline", device]
    with Progress(1, "measurement", "measuring what this machine can do at most"):
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode == DeviceError.exit_code:
        raise DeviceError(result.stderr.strip().splitlines()[-1].removeprefix("error: "))
    result.check_returncode()
    return Roofline(**json.loads(result.stdout.splitlines()[-1]))


def _main(name: str) -> Roofline:
    from jaxmlp.device import pick

    device = pick(name)
    on_cpu = device.platform == "cpu"
    candidates: dict[str, Callable[[int], float]] = {"JAX": functools.partial(_jax_matmul, device, "float32")}
    if on_cpu:
        candidates["NumPy"] = _numpy_matmul  # its BLAS and XLA's are not the same
    sizes = (1024, 2048) if on_cpu else (8192, 16384)
    float32, by = max((max(map(matmul, sizes)), who) for who, matmul in candidates.items())
    bfloat16 = None if on_cpu else max(_jax_matmul(device, "bfloat16", size) for size in sizes)
    return Roofline(
        "gpu" if device.platform in ("gpu", "cuda", "rocm") else device.platform,
        "" if on_cpu else device.device_kind,
        float32,
        by,
        bfloat16,
        _copy(device, 2**28 if on_cpu else 2**31),
    )


def _numpy_matmul(size: int) -> float:
    """GFLOP/s of float32 [size, size] @ [size, size] by NumPy's BLAS."""
    import numpy as np

    a, out = np.full((size, size), 0.5, np.float32), np.empty((size, size), np.float32)
    return 2 * size**3 / 1e9 / _fastest(lambda: np.matmul(a, a, out=out))


def _jax_matmul(device: Any, dtype: str, size: int) -> float:
    """GFLOP/s of [size, size] @ [size, size] by XLA: float32 at full accuracy, or bfloat16 with float32 sums."""
    import jax
    import jax.numpy as jnp

    a = jax.device_put(jnp.full((size, size), 0.5, dtype), device)
    product = jax.jit(lambda a: jnp.matmul(a, a, precision="highest", preferred_element_type=jnp.float32))
    return 2 * size**3 / 1e9 / _fastest(lambda: product(a).block_until_ready())


def _copy(device: Any, size: int) -> float:
    """GB/s of negating `size` bytes in place: read once, written once, no fresh page touched."""
    import jax
    import jax.numpy as jnp

    a = jax.device_put(jnp.ones(size // 4, jnp.float32), device)
    negate = jax.jit(jnp.negative, donate_argnums=0)

    def work() -> None:
        nonlocal a
        a = negate(a).block_until_ready()

    return 2 * size / 1e9 / _fastest(work)


def _fastest(work: Callable[[], Any], tries: int = 7) -> float:
    """Seconds of the quickest of a few tries, after one that compiles: a peak is what was reached once."""
    work()

    def clocked() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return min(clocked() for _ in range(tries))


if __name__ == "__main__":
    try:
        print(json.dumps(_main(sys.argv[1])._asdict()))
    except JaxmlpError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
