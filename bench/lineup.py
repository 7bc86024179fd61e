"""Who runs: jaxmlp and the programs a user would otherwise run, each a file in `bench/peers/`."""

import dataclasses
import importlib.util
import sys
from pathlib import Path

from jaxmlp.checks import nearest
from jaxmlp.errors import ConfigError
from parity.oracle import environment


@dataclasses.dataclass(frozen=True)
class Peer:
    """One contender and what it needs."""

    name: str
    module: str  # run as `python -m module FOLDER options…`
    options: tuple[str, ...] = ()  # "name=value"
    needs: tuple[str, ...] = ()  # importable in this interpreter
    extra: str = ""  # of this project, which brings them
    devices: tuple[str, ...] = ("cpu", "gpu", "tpu")
    ours: bool = False

    def missing(self) -> str:
        """The libraries that are not installed, by name; empty when all are there."""
        return ", ".join(name for name in self.needs if importlib.util.find_spec(name) is None)

    def absence(self, device: str) -> tuple[str, str] | None:
        """The status and the reason of a row that it cannot fill; None where it can."""
        if device not in self.devices:
            return "not for this device", f"runs on {', '.join(self.devices)}"
        absent = self.missing()
        return ("not installed", absent) if absent else None

    def python(self) -> Path:
        """The interpreter that runs it."""
        return Path(sys.executable)


class Tf115Peer(Peer):
    """A peer that needs genuine TensorFlow 1.15.5, and so a Python 3.7 of its own."""

    def missing(self) -> str:
        return "" if environment.is_set_up() else "TensorFlow 1.15.5"

    def python(self) -> Path:
        return environment.require()


STAIRCASE = Peer("jaxmlp staircase", "bench.peers.ours", ("layout=staircase",), ours=True)
DENSE = Peer("jaxmlp dense", "bench.peers.ours", ("layout=dense",), ours=True)
DENSE_FLOAT32 = Peer(
    "jaxmlp dense float32", "bench.peers.ours", ("layout=dense", "precision=float32"), devices=("gpu", "tpu"), ours=True
)
TORCH = "torch==2.13.0"  # where an index has a build for CPUs alone, the one that comes without gigabytes of CUDA
PEERS = (
    Peer("tf2_graph", "bench.peers.tf2_graph", (), ("tensorflow",), "parity", ("cpu", "gpu")),
    Peer("tf2_xla", "bench.peers.tf2_xla", (), ("tensorflow",), "parity", ("cpu", "gpu")),
    Tf115Peer("tf115", "bench.peers.tf115", devices=("cpu",)),
    Peer("torch_eager", "bench.peers.torch_eager", (), ("torch",), "bench", ("cpu", "gpu")),
    Peer("torch_compile", "bench.peers.torch_compile", (), ("torch",), "bench", ("cpu", "gpu")),
    Peer("jax_whole_batch", "bench.peers.jax_whole_batch"),
    Peer("flax_nnx", "bench.peers.flax_nnx", (), ("flax",), "bench"),
    Peer("keras_jax", "bench.peers.keras_jax", (), ("keras",), "bench"),
    Peer("numpy_blas", "bench.peers.numpy_blas", devices=("cpu",)),
)
MINIBATCH = Peer("jaxmlp", "bench.peers.ours_minibatch", ours=True)
OF_FULL_BATCHES, OF_MINIBATCHES = (STAIRCASE, DENSE, DENSE_FLOAT32), (MINIBATCH,)  # ours
REFERENCES = (DENSE, MINIBATCH)  # every loss is compared to theirs


def chosen(names: tuple[str, ...], device: str, in_minibatches: bool = False) -> tuple[Peer, ...]:
    """Our own contenders for the device and the kind of step, then the named peers, or all.

    Raises ConfigError for a name that is no peer's.
    """
    known = {peer.name: peer for peer in PEERS}
    for name in names:
        if name not in known:
            raise ConfigError(f"peers = {name!r} is none of {', '.join(known)}; {nearest(name, known)}".rstrip("; "))
    ours = tuple(peer for peer in (OF_MINIBATCHES if in_minibatches else OF_FULL_BATCHES) if device in peer.devices)
    return ours + tuple(peer for peer in PEERS if not names or peer.name in names)


def install_command(device: str) -> str:
    """A line for a shell that brings every peer for the device which is not installed; empty when all are there."""
    absent = [peer for peer in PEERS if device in peer.devices and peer.missing()]
    extras = sorted({peer.extra for peer in absent if peer.extra})
    words = [f"-e '.[{','.join(extras)}]'"] if extras else []
    libraries = {name for peer in absent for name in peer.needs}
    if device == "cpu" and "torch" in libraries:
        words.append(TORCH)
    if device == "gpu" and "tensorflow" in libraries:  # the extra's own is for CPUs on Linux
        words.append("'tensorflow[and-cuda]'")
    pip = [f"pip install {' '.join(words)}"] if words else []
    old = any(isinstance(peer, Tf115Peer) for peer in absent)
    return " && ".join([*pip, *(["python -m parity setup"] if old else [])])
