"""Who runs: jaxmlp's engines and the programs a user would otherwise run, each a file in `bench/peers/`."""

import dataclasses
import difflib
import importlib.util
import sys
from pathlib import Path

from jaxmlp.errors import ConfigError
from parity.oracle import environment


@dataclasses.dataclass(frozen=True)
class Peer:
    """One contender and what it needs."""

    name: str
    module: str  # run as `python -m module FOLDER options…`
    options: tuple[str, ...] = ()  # "name=value"
    needs: tuple[str, ...] = ()  # importable in this interpreter
    install: str = ""  # how to get them
    devices: tuple[str, ...] = ("cpu", "gpu", "tpu")
    ours: bool = False

    def missing(self) -> str | None:
        """What is not installed and how it would be, in one line; None when all is there."""
        absent = [name for name in self.needs if importlib.util.find_spec(name) is None]
        return f"{', '.join(absent)}: {self.install}" if absent else None

    def python(self) -> Path:
        """The interpreter that runs it."""
        return Path(sys.executable)


class Tf115Peer(Peer):
    """A peer that needs genuine TensorFlow 1.15.5, and so a Python 3.7 of its own."""

    def missing(self) -> str | None:
        return None if environment.is_set_up() else f"TensorFlow 1.15.5: {self.install}"

    def python(self) -> Path:
        return environment.require()


STAIRCASE = Peer("jaxmlp staircase", "bench.peers.ours", ("layout=staircase",), ours=True)
DENSE = Peer("jaxmlp dense", "bench.peers.ours", ("layout=dense",), ours=True)  # every loss is compared to this one's
DENSE_FLOAT32 = Peer(
    "jaxmlp dense float32", "bench.peers.ours", ("layout=dense", "precision=float32"), devices=("gpu", "tpu"), ours=True
)
TENSORFLOW = "pip install -e '.[parity]'"
TORCH = "pip install torch"
PEERS = (
    Peer("tf2_graph", "bench.peers.tf2_graph", (), ("tensorflow",), TENSORFLOW, ("cpu", "gpu")),
    Peer("tf2_xla", "bench.peers.tf2_xla", (), ("tensorflow",), TENSORFLOW, ("cpu", "gpu")),
    Tf115Peer("tf115", "bench.peers.tf115", install="python -m parity setup", devices=("cpu",)),
    Peer("torch_eager", "bench.peers.torch_eager", (), ("torch",), TORCH, ("cpu", "gpu")),
    Peer("torch_compile", "bench.peers.torch_compile", (), ("torch",), TORCH, ("cpu", "gpu")),
    Peer("jax_whole_batch", "bench.peers.jax_whole_batch"),
    Peer("flax_nnx", "bench.peers.flax_nnx", (), ("flax",), "pip install flax"),
    Peer("keras_jax", "bench.peers.keras_jax", (), ("keras",), "pip install keras"),
    Peer("numpy_blas", "bench.peers.numpy_blas", devices=("cpu",)),
)
OURS = (STAIRCASE, DENSE, DENSE_FLOAT32)


def chosen(names: tuple[str, ...], device: str) -> tuple[Peer, ...]:
    """Our own engines for the device, then the named peers, or all.

    Raises ConfigError for a name that is no peer's.
    """
    known = {peer.name: peer for peer in PEERS}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else ""
            raise ConfigError(f"peers = {name!r} is none of {', '.join(known)}; {hint}".rstrip("; "))
    ours = tuple(peer for peer in OURS if device in peer.devices)
    return ours + tuple(peer for peer in PEERS if not names or peer.name in names)
