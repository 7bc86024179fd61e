"""One small measurement that many tests look at, with contenders that must be refused among those that are right."""

from pathlib import Path

import pytest
from fakes import fake

from bench import throughput
from bench.lineup import DENSE, Peer
from bench.throughput import Plan
from bench.workload import Agreement, Workload, first, write
from jaxmlp.data.generated import generated_digits

IMAGES, HIDDEN = 300, 16
FAKES = ("slightly wrong", "nan", "miscounts", "raises", "killed", "exits", "dies late", "chatty")


@pytest.fixture(scope="session")
def workload() -> Workload:
    return Workload(f"generated:{IMAGES}", IMAGES, HIDDEN, 10, "cpu")


@pytest.fixture(scope="session")
def problem(workload, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("problem")
    write(folder, first(generated_digits(IMAGES), None), workload)
    return folder


@pytest.fixture(scope="session")
def rows(problem):
    """Rows by name: jaxmlp dense, NumPy, all fakes, one that is not installed and one for another device."""
    others = [
        Peer("numpy_blas", "bench.peers.numpy_blas"),
        *map(fake, FAKES),
        Peer("absent", "bench.peers.absent", needs=("no_such_library",)),
        Peer("elsewhere", "bench.peers.numpy_blas", devices=("tpu",)),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        measured = throughput.measure([*others, DENSE], problem, "cpu", Agreement(IMAGES), Plan(2, 3, 1))
    return {row.name: row for row in measured}
