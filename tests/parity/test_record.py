"""What `python -m parity record` keeps proves the port, and finds out a wrong gradient of which only sums are kept."""

import dataclasses

import pytest
from small_runs import Answered, first

from jaxmlp.data.generated import generated_digits
from jaxmlp.execution import Execution
from jaxmlp.program import Dense, Program
from parity.commands.record import seed_recording
from parity.compare.archive import to_bytes
from parity.compare.comparable import require_comparable
from parity.compare.probe import PROBE
from parity.compare.tensor import Sketch
from parity.noise import reference
from parity.oracle import recording
from parity.subject.port import Port

PROGRAM = Program((Dense(1024), Dense(30)), seed=4, steps=4, report_every=2)


@pytest.fixture(scope="module")
def recorded(compat, tmp_path_factory) -> Answered:
    """The reference read back from a recording of a few images, and what float64 says of it."""
    dataset = first(generated_digits(240, 8), 120, 30)
    folder = tmp_path_factory.mktemp("recordings")
    made, known = seed_recording(compat, PROGRAM, dataset, [0, 3], folder / "work")
    made.header["provenance"]["tensorflow"] = "1.15.5"  # or it is refused
    content = to_bytes(made, known)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "FOLDER", folder)
        recording.path(PROGRAM.seed).write_bytes(content)
        return Answered(PROGRAM, dataset, *reference.recorded(PROGRAM, dataset, [0, 3]))


def test_the_port_passes_against_a_recording(recorded, cpu):
    got = recorded.trace(Port.of(PROGRAM, recorded.dataset, cpu, Execution("dense", "float32")))
    require_comparable(recorded.reference, got)
    assert list(recorded.reference.steps) == [0, 3, PROBE]
    assert not recorded.failures(got)


def test_a_wrong_gradient_fails_against_a_sketch(recorded, cpu):
    one = Port.of(PROGRAM, recorded.dataset, cpu, Execution("dense", "float32"))

    def wrong(step):
        def stepped(state, batch, rows):
            new, metrics = step(state, batch, rows)
            first, *others = new.slots.grads
            twisted = first._replace(weights=first.weights.at[400].multiply(1.01))  # a row not kept whole
            return new._replace(slots=new.slots._replace(grads=(twisted, *others))), metrics

        return stepped

    assert isinstance(recorded.reference.steps[0].got["grads/weights_1"], Sketch)
    assert "T2 weights_1, step 0" in recorded.failures(recorded.trace(dataclasses.replace(one, changed=wrong), 4))
