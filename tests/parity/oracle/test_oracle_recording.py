"""A recording proves what it can and is refused where it cannot: another program, other data, damaged weights."""

import hashlib

import numpy as np
import pytest
from textbook import Noise, Oracle, case, failed, named, of_role, program, starts, trace

from jaxmlp.program import Program
from jaxmlp.tf1.random import stream, truncated_normal
from parity.commands.images import instead
from parity.compare.archive import decoded, read, read_arrays, to_bytes
from parity.compare.comparable import require_comparable
from parity.compare.probe import PROBE, probe_weights
from parity.compare.tensor import Coded, Whole, digest, sample, sketch
from parity.compare.trace import Trace
from parity.errors import CannotCompare
from parity.noise import reference
from parity.oracle import recording
from parity.oracle.ask import Case, Question
from parity.oracle.live import free_run, steps_from, told

KEPT = recording.FOLDER
# SHA-256 over the sorted digests of all tensors, as they were when TensorFlow 1.15.5 had computed them.
TENSORS = {
    0: "0bba1dc96cfc486b66a277df2da9e2f86f4e01d4bc9b7c0dbea696b5e22d71d6",
    1: "b443cd33e677d755ca0af394740d33f046ad39479ead87173c6d4344371fb29a",
    2: "6a3504a7471b850a57ec35156f090b38bda89f8cf53024f834b39c1d0d99bdbc",
}
KNOWN = [array for weights in starts().values() for array in weights.values()]


@pytest.fixture
def asked(rng):
    return case(rng, program(seed=4, steps=4))


@pytest.fixture
def made(asked, rng):
    """The trace of a recording of a few images: steps 0 and 3, the latter coded, and the probe."""
    oracle = Oracle(questions=[])
    begun = starts()
    coded = {
        name: Coded.of(array, array + rng.normal(size=array.shape).astype(np.float32) * np.float32(1e-3))
        for name, array in begun[0].items()
    }
    weights = {0: begun[0], 3: {name: one.array for name, one in coded.items()}, PROBE: begun[PROBE]}
    grads = {step: np.zeros((60, 10), np.float32) for step in weights}
    steps = steps_from(oracle, asked, weights, grads)
    steps[3] = steps[3]._replace(start=named(coded), got={key: packed(one.array) for key, one in steps[3].got.items()})
    header = told(asked, begun[0], oracle.ask(asked, [Question({"ask": "init"})]), "recording")
    series = {**free_run(oracle, asked), "test_predictions": np.zeros((20, 10), np.float32)}
    return Trace(header, series, steps)


def packed(array):
    return sketch(array, sample(4, len(array))) if array.ndim == 2 else Whole(array)


@pytest.fixture
def kept(made, tmp_path, monkeypatch):
    """The recording on disk, where it is looked for."""
    monkeypatch.setattr(recording, "FOLDER", tmp_path)
    recording.path(4).write_bytes(to_bytes(made, KNOWN))
    return recording.path(4)


def test_a_subject_passes_against_a_recording(kept, made, asked):
    reference = recording.trace(asked, KNOWN, [0, 3])
    assert list(reference.steps) == [0, 3, PROBE]
    assert reference.header["who"] == "the recorded TensorFlow 1.15.9"
    weights = {step: of_role(one.arrays("start"), "weights") for step, one in reference.steps.items()}
    subject = trace("subject", asked.program, asked.data, weights, backwards=True)
    zeros = {f"backward__{name}": np.zeros_like(array) for name, array in weights[0].items()}  # as was handed over
    for step, one in subject.steps.items():
        got = {**one.got, **{key.replace("__", "/"): Whole(array) for key, array in zeros.items()}}
        subject.steps[step] = one._replace(got=got)
    require_comparable(reference, subject)
    assert not failed(reference, subject, {step: Noise(w, asked.data) for step, w in weights.items()})


def test_only_the_steps_that_are_asked_for_are_given_and_the_probe(kept, asked):
    assert list(recording.trace(asked, KNOWN, [0]).steps) == [0, PROBE]
    assert list(recording.trace(asked, KNOWN, [1, 3]).steps) == [3, PROBE]
    with pytest.raises(
        CannotCompare, match=r"none of the steps \[1, 2\] was recorded for seed 4: there are \[0, 3, -1\]"
    ):
        recording.trace(asked, KNOWN, [1, 2])


def test_a_shorter_run_is_served_too(kept, made, asked):
    shorter = asked._replace(program={**asked.program, "steps": 2, "report_every": 1})
    series = recording.trace(shorter, KNOWN, [0]).series
    np.testing.assert_array_equal(series["losses"], made.series["losses"][:2])
    assert series["test_steps"].tolist() == [0]
    np.testing.assert_array_equal(recording.free_run(asked, KNOWN)["corrects"], made.series["corrects"])


def test_more_free_steps_than_recorded_are_refused(kept, asked):
    longer = asked._replace(program={**asked.program, "steps": 5})
    with pytest.raises(CannotCompare, match="5 free steps were asked for, 4 are recorded"):
        recording.trace(longer, KNOWN, [0])


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"optimizer": {"learning_rate": 2e-4}}, r"optimizer\.learning_rate 0\.0001, and .* 0\.0002 was asked for"),
        ({"layers": program((35,))["layers"]}, r"layers\.1\.units 36, and layers\.1\.units 35 was asked for"),
        ({"layers": program((36, 9))["layers"]}, r"layers\.2\.units None, and layers\.2\.units 9 was asked for"),
        ({"output": {"kernel": {"stddev": 1.0}}}, r"output\.kernel\.stddev .* 1\.0 was asked for"),
    ],
)
def test_a_recording_of_another_program_is_refused_naming_the_field(kept, asked, other, said):
    with pytest.raises(CannotCompare, match=rf"the recording is of {said}"):
        recording.trace(asked._replace(program={**asked.program, **other}, digest="other"), KNOWN, [0])


def test_a_program_that_differs_only_in_its_digest_is_refused(kept, asked):
    with pytest.raises(CannotCompare, match="another program; record it again"):
        recording.free_run(asked._replace(digest="other"), KNOWN)


@pytest.mark.parametrize(
    ("name", "told"),
    [("train_images", "train pixels"), ("train_labels", "train labels"), ("test_images", "test pixels")],
)
def test_a_recording_of_other_data_is_refused(kept, asked, name, told):
    other = asked.data[name].copy()
    other[7] ^= 1
    with pytest.raises(CannotCompare, match=rf"of seed 4 runs on .*; there are noise \(its {told} are not these\)"):
        recording.trace(asked._replace(data={**asked.data, name: other}), KNOWN, [0])


def test_an_unrecorded_seed_is_refused_naming_those_there_are(kept, asked):
    other = asked._replace(program={**asked.program, "seed": 5})
    with pytest.raises(CannotCompare, match="no recording is of seed 5: recorded are seed4"):
        recording.trace(other, KNOWN, [0])
    kept.unlink()
    with pytest.raises(CannotCompare, match="nothing is recorded"):
        recording.trace(other, KNOWN, [0])


def test_a_recording_of_another_tensorflow_is_refused(kept, made, asked):
    provenance = {**made.header["provenance"], "tensorflow": "2.21.0"}
    kept.write_bytes(to_bytes(made._replace(header={**made.header, "provenance": provenance}), KNOWN))
    for open_it in (lambda: recording.trace(asked, KNOWN, [0]), lambda: recording.free_run(asked, KNOWN)):
        with pytest.raises(CannotCompare, match=r"seed4\.npz holds TensorFlow 2\.21\.0, not 1\.15: record it again"):
            open_it()


def test_of_several_recordings_of_a_seed_the_one_on_this_data_is_taken(kept, made, asked, rng):
    other = case(rng, program(seed=4, steps=4))
    assert recording.there_is(asked)
    assert not recording.there_is(other)
    kept.rename(recording.path(4, "noise"))
    digests = {**made.header["digests"], "train pixels": "0" * 64}
    recording.path(4).write_bytes(to_bytes(made._replace(header={**made.header, "digests": digests}), KNOWN))
    assert recording.there_is(asked)
    assert list(recording.trace(asked, KNOWN, [0]).steps) == [0, PROBE]


def test_data_is_carried_along_to_the_bit(kept, made, asked):
    assert recording.data_of(kept) == {}
    kept.write_bytes(to_bytes(made, KNOWN, asked.data))
    carried = recording.data_of(kept)
    assert carried.keys() == asked.data.keys()
    for name, array in asked.data.items():
        np.testing.assert_array_equal(carried[name], array, strict=True)


def test_weights_that_are_not_those_drawn_here_are_refused(kept, asked):
    with pytest.raises(CannotCompare, match=r"seed4\.npz starts from weights that are not those drawn here"):
        recording.trace(asked, KNOWN[1:], [0])


def test_damaged_weights_are_refused(kept, asked):
    head, arrays = read_arrays(kept)
    arrays["3/start/weights/weights_2:codes"][5, 5] += 1
    with pytest.raises(CannotCompare, match="does not come out as recorded"):
        decoded(kept, head, arrays, KNOWN)


def test_a_subjects_trace_is_no_recording(kept, made, asked):
    kept.write_bytes(to_bytes(made._replace(header={"side": "subject", "who": "mine"}), KNOWN))
    with pytest.raises(CannotCompare, match=r"seed4\.npz is not of a reference: mine"):
        recording.trace(asked, KNOWN, [0])


def test_a_file_that_is_no_recording_is_refused(kept, asked):
    kept.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(CannotCompare, match="is not a recording"):
        recording.trace(asked, KNOWN, [0])


def original(seed):
    """What the original starts from, and the probe."""
    drawn = [truncated_normal(shape, stream(seed, op)) for shape, op in (((784, 1024), 21), ((1024, 10), 39))]
    zeros = [np.zeros(units, np.float32) for units in (1024, 10)]
    return [*drawn, *zeros, *probe_weights((784, 1024, 10)).values()]


@pytest.mark.parametrize("seed", recording.seeds())
def test_kept_recordings_are_of_this_program_and_of_genuine_tensorflow(seed):
    kept = read(KEPT / f"seed{seed}.npz", original(seed))
    assert kept.header["program_digest"] == Program(seed=seed).digest()
    assert Program.from_dict(kept.header["program"]) == Program(seed=seed)
    assert kept.header["provenance"]["tensorflow"] == "1.15.5"
    assert kept.header["provenance"]["op_seeds"] == [[seed, 21], [seed, 39]]
    assert len(kept.series["losses"]) == len(kept.series["corrects"]) == 301
    assert list(kept.steps) == ([0, 1, 2, 5, 10, 30, 100, 200, 300, PROBE] if seed == 0 else [0, PROBE])


def test_the_kept_generated_digits_are_recorded_and_carried():
    header, _ = read_arrays(recording.path(0, "generated600"))
    digits = instead(0)
    assert digits.source == header["source"] == "600 generated digits, seed 0"
    assert header["provenance"]["tensorflow"] == "1.15.5"
    assert header["program_digest"] == Program(seed=0).digest()
    assert recording.there_is(reference.case(Program(seed=0), digits))


@pytest.mark.parametrize("seed", TENSORS)
def test_kept_recordings_hold_the_tensors_that_were_recorded(seed):
    _, arrays = read_arrays(KEPT / f"seed{seed}.npz")
    digests = sorted(digest(array) for array in arrays.values())
    assert hashlib.sha256("".join(digests).encode()).hexdigest() == TENSORS[seed]


@pytest.mark.parametrize("seed", recording.seeds())
def test_kept_recordings_are_of_the_graph_that_tensorflow_1_15_builds_today(tf115, seed):
    images, labels = np.zeros((2, 784), np.uint8), np.zeros(2, np.uint8)
    data = {"train_images": images, "train_labels": labels, "test_images": images, "test_labels": labels}
    asked = Case(Program(seed=seed).as_dict(), Program(seed=seed).digest(), data, 10, "blank")
    today = tf115.ask(asked, [Question({"ask": "init"})]).provenance["graph_digest"]
    assert read_arrays(KEPT / f"seed{seed}.npz")[0]["graph_digest"] == today


def test_no_flipped_bit_in_a_kept_recording_is_accepted(tmp_path, rng):
    content, file = (KEPT / "seed1.npz").read_bytes(), tmp_path / "seed1.npz"
    for _ in range(25):
        bad = bytearray(content)
        # Not in the zip's own directory at the end, which has dates and the like that nothing reads.
        bad[int(rng.integers(len(bad) * 9 // 10))] ^= 1 << int(rng.integers(8))
        file.write_bytes(bad)
        right = read_arrays(KEPT / "seed1.npz")[0]
        try:
            head = read_arrays(file)[0]
        except CannotCompare:
            continue
        assert head == right  # a date of one of the files in the zip, for one


def test_kept_recordings_fit_into_ten_megabytes():
    assert sum(file.stat().st_size for file in KEPT.glob("*.npz")) < 10e6
