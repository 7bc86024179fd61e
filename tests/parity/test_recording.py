"""A recording proves what it can and is refused where it cannot: another program, other data, damaged weights."""

import dataclasses

import numpy as np
import pytest
from jaxmlp.config import Config
from parity.admissible import require_comparable
from parity.probe import PROBE
from parity.record import seed_recording
from parity.tiers import Ground, compare
from small_runs import first, traced

from jaxmlp.data.generated import generated
from parity import port, recording
from parity.errors import CannotCompare

CONFIG = Config(seed=4, steps=4, report_every=2)


@pytest.fixture(scope="module")
def dataset():
    return first(generated(240, 8), 120, 30)


@pytest.fixture(scope="module")
def recorded(compat, dataset, tmp_path_factory):
    """Header and arrays as `python -m parity record` makes them, of a few images."""
    return seed_recording(compat, CONFIG, dataset, [0, 3], tmp_path_factory.mktemp("work"))


@pytest.fixture
def kept(recorded, tmp_path, monkeypatch):
    """The recording on disk, where it is looked for."""
    monkeypatch.setattr(recording, "FOLDER", tmp_path)
    recording.write(recording.path(CONFIG.seed), *recorded)
    return recorded


def test_the_port_passes_against_a_recording(kept, dataset, cpu):
    reference, exacts = recording.trace(CONFIG, dataset, [0, 3])
    ground = Ground(dataset.train, CONFIG.learning_rate, exacts)
    trace = traced(port.port(CONFIG, dataset, cpu, "dense", "float32"), reference, ground)
    require_comparable(reference, trace)
    assert list(reference.steps) == [0, 3, PROBE]
    assert not [check for check in compare(reference, trace, ground) if not check.passed]


def test_a_wrong_gradient_fails_against_a_sketch(kept, dataset, cpu):
    reference, exacts = recording.trace(CONFIG, dataset, [3])
    ground = Ground(dataset.train, CONFIG.learning_rate, exacts)
    trace = traced(port.port(CONFIG, dataset, cpu, "dense", "float32"), reference, ground, 0)
    update = trace.steps[3].update
    wrong = update.grads["weights_1"].array.copy()
    wrong[400] *= 1.01  # one pixel's row, and not one of those kept exactly
    grads = {**update.grads, "weights_1": type(update.grads["weights_1"])(wrong)}
    trace.steps[3] = trace.steps[3]._replace(update=update._replace(grads=grads))
    failed = {(c.tier, c.tensor, c.step) for c in compare(reference, trace, ground) if not c.passed}
    assert ("T2", "weights_1", 3) in failed


def test_a_recording_of_another_program_is_refused(kept, dataset):
    header, arrays = kept
    recording.write(recording.path(CONFIG.seed), {**header, "program": "0" * 64}, arrays)
    with pytest.raises(CannotCompare, match="stale"):
        recording.trace(CONFIG, dataset, [0])


def test_a_recording_of_other_data_is_refused(kept, dataset):
    images = dataset.train.images.copy()
    images[7, 300] ^= 1
    other = dataset._replace(train=dataset.train._replace(images=images))
    with pytest.raises(CannotCompare, match=r"another data set .* train pixels"):
        recording.trace(CONFIG, other, [0])


@pytest.mark.parametrize("change", [{"learning_rate": 2e-4}, {"hidden": 1000}])
def test_a_recording_of_another_configuration_is_refused(kept, dataset, change):
    with pytest.raises(CannotCompare, match=f"recording is of {next(iter(change))}"):
        recording.trace(dataclasses.replace(CONFIG, **change), dataset, [0])


def test_an_unrecorded_seed_is_refused_naming_those_there_are(kept, dataset):
    with pytest.raises(CannotCompare, match="recorded are seeds 4"):
        recording.trace(dataclasses.replace(CONFIG, seed=5), dataset, [0])


def test_more_free_steps_than_recorded_are_refused(kept, dataset):
    with pytest.raises(CannotCompare, match="5 free steps were asked for, 4 are recorded"):
        recording.trace(dataclasses.replace(CONFIG, steps=5), dataset, [0])


def test_damaged_weights_are_refused(kept, dataset):
    header, arrays = kept
    codes = arrays["3/codes/weights_2"].copy()
    codes[5, 5] += 1
    recording.write(recording.path(CONFIG.seed), header, {**arrays, "3/codes/weights_2": codes})
    with pytest.raises(CannotCompare, match="damaged"):
        recording.trace(CONFIG, dataset, [3])


def test_a_file_that_is_no_recording_is_refused(kept, dataset):
    recording.path(CONFIG.seed).write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(CannotCompare, match="is not a recording"):
        recording.trace(CONFIG, dataset, [0])


def test_recorded_weights_lie_within_half_a_code_of_the_free_runs(rng):
    start = rng.normal(size=(50, 20)).astype(np.float32)
    there = start + rng.normal(size=start.shape).astype(np.float32) * 1e-2
    codes, scale = recording.coded(start, there, 127)
    assert np.abs(codes).max() == 127
    apart = np.abs(recording.moved(start, codes, scale) - there)
    assert (apart <= 0.5001 * scale[:, None] + 1e-7).all()


@pytest.mark.parametrize("seed", sorted(int(f.stem[4:]) for f in recording.FOLDER.glob("seed*.npz")))
def test_kept_recordings_are_of_this_program_and_of_genuine_tensorflow(seed):
    header, arrays = recording.read(recording.path(seed))
    assert header["program"] == recording.file_digest(recording.PROGRAM)
    assert header["tensorflow"] == "1.15.5"
    assert header["op_seeds"] == [[seed, 21], [seed, 39]]
    assert len(arrays["losses"]) == len(arrays["corrects"]) == 301


def test_kept_recordings_fit_into_ten_megabytes():
    assert sum(file.stat().st_size for file in recording.FOLDER.glob("*.npz")) < 10e6
