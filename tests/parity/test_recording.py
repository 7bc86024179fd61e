"""A raw folder becomes a recording, and a recording a file and back, to the bit and without trust."""

import contextlib
import json
import zipfile

import numpy as np
import pytest
from like_tensorflow import Like

from parity.compare import sealed
from parity.compare.recorded import file, load
from parity.compare.recorded.clips import clipping_of
from parity.compare.recorded.planes import planes, unplaned
from parity.compare.recorded.raw import of_folder
from parity.errors import CannotCompare

KINDS = [
    Like(),
    Like("ApplyGradientDescent", rate=0.5, clip=0.05),
    Like("ApplyMomentum", nesterov=True, l2=1e-3, resource=True),
    Like("ApplyRMSProp", keep=0.7),
    Like("ApplyAdagrad", decay=0.9),
    Like("ApplyAddSign"),
]


@pytest.fixture
def recording(tmp_path, rng):
    return Like().recording(tmp_path / "raw", rng)


@pytest.fixture
def kept(tmp_path, recording):
    path = tmp_path / file.NAME
    path.write_bytes(file.to_bytes(recording))
    return path


def same(one, two):
    return (one.dtype, one.shape, one.tobytes()) == (two.dtype, two.shape, two.tobytes())


@pytest.mark.parametrize("like", KINDS, ids=lambda like: like.update)
def test_a_recording_comes_back_to_the_bit(like, tmp_path, rng):
    recording = like.recording(tmp_path / "raw", rng)
    (tmp_path / file.NAME).write_bytes(file.to_bytes(recording))
    before, after = recording.programs[0], load(tmp_path).programs[0]
    assert list(after.trace.steps) == list(like.steps)
    for step, one in before.trace.steps.items():
        for part in ("start", "got"):
            theirs, ours = one.arrays(part), after.trace.steps[step].arrays(part)
            assert theirs.keys() == ours.keys()
            assert all(same(theirs[key], ours[key]) for key in theirs)
        spreads = before.limits[step].spreads, after.limits[step].spreads
        assert spreads[0].keys() == spreads[1].keys()
        assert all(spreads[0][key].norm == spreads[1][key].norm for key in spreads[0])
    assert (after.fields, after.clipping) == (before.fields, before.clipping)
    assert same(after.trace.series["losses"], before.trace.series["losses"])


def test_what_is_recorded_is_what_the_raw_folder_has(tmp_path, rng):
    like = Like(keep=0.7)
    recording = of_folder(like.raw(tmp_path, rng))
    with np.load(tmp_path / "raw.npz") as raw:
        for step, one in recording.program().trace.steps.items():
            assert same(one.start["weights/dense/kernel"].array, raw[f"0|{step}|before|dense/kernel"])
            assert same(one.start["slots/dense/kernel/Adam"].array, raw[f"0|{step}|before|dense/kernel/Adam"])
            assert same(one.start["batch/x:0"].array, raw[f"0|{step}|feed|x:0"])
            assert [key for key in one.start if key.startswith("draws/")]
            assert same(one.got["grads/dense/bias"].array, raw[f"0|{step}|gradient|dense/bias"])
            assert same(one.got["slots/beta1_power"].array, raw[f"0|{step}|after|beta1_power"])
            assert same(one.got["loss/loss"].array, raw[f"0|{step}|loss|loss:0"])


def dense(batch, **told):
    """Its images have no blank pixel, and so a layer's gradient no row of zeros."""

    class Dense(Like):
        def draw(self, rng):
            given, drawn = super().draw(rng)
            return {**given, "x:0": rng.random((self.batch, self.widths[0])).astype(np.float32)}, drawn

    return Dense(widths=(256, 300, 10), batch=batch, **told)


def kept_bytes(recording, tmp_path):
    """What each key's tensor takes in the file."""
    (tmp_path / "a").write_bytes(file.to_bytes(recording))
    header, _ = sealed.read(tmp_path / "a", file.FORMAT)
    sizes = {one.filename.removesuffix(".npy"): one.compress_size for one in zipfile.ZipFile(tmp_path / "a").infolist()}
    return {key: sizes[found] for key, found in header["tensors"].items()}


@pytest.mark.parametrize("like", [dense(32), dense(32, l2=1e-3), dense(32, clip=0.05), dense(32, l2=1e-2, clip=0.05)])
def test_four_steps_of_adam_take_less_than_half_of_their_numbers(like, tmp_path, rng):
    """Of a 784-1024-10 program with dense inputs so less than 20 MB: its gradients take next to nothing."""
    recording = like.recording(tmp_path / "raw", rng)
    sizes = kept_bytes(recording, tmp_path)
    gradient = 4 * 256 * 300
    for step in like.steps:
        roles = [f"back|0|{step}|grads", f"step|0|{step}|got|grads", f"step|0|{step}|got|arriving"]
        assert sum({size for key, size in sizes.items() if any(map(key.startswith, roles))}) < 0.5 * gradient
    assert sum(size for key, size in sizes.items() if key.startswith("limits|")) < 0.1 * gradient
    there = file.read(tmp_path / "a").programs[0].trace.steps
    for step, one in recording.programs[0].trace.steps.items():
        assert all(same(one.got[key].array, there[step].got[key].array) for key in one.got)


def test_a_batch_too_large_for_it_is_kept_all_the_same(tmp_path, rng):
    recording = dense(250, steps=(0,)).recording(tmp_path / "raw", rng)
    assert not [key for key in kept_bytes(recording, tmp_path) if key.startswith("back|")]


def test_a_step_costs_no_more_than_its_gradient_and_its_images(tmp_path, rng):
    """A start that the step before left behind is there already, and what the rule says need not be told."""
    like = Like(widths=(64, 96, 10), steps=(0, 1, 2, 3))
    one, four = (
        len(file.to_bytes(of_folder(like_.raw(tmp_path / str(i), np.random.default_rng(1)))))
        for i, like_ in enumerate((Like(widths=like.widths, steps=(0,)), like))
    )
    gradient = 4 * (64 * 96 + 96 + 96 * 10 + 10) + 4 * 32 * (64 + 10)
    assert four - one < 3 * (1.25 * gradient + 8000)


def test_after_an_update_little_more_than_a_bit_a_number_is_kept(tmp_path, rng):
    recording = of_folder(Like(widths=(64, 96, 10), steps=(0, 1)).raw(tmp_path / "raw", rng))
    of = kept_bytes(recording, tmp_path)
    for name in ("weights/dense/kernel", "slots/dense/kernel/Adam", "slots/dense/kernel/Adam_1"):
        assert of[f"step|0|1|got|{name}"] < 64 * 96 * 4 / 8


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.int32, np.uint8, np.bool_])
def test_planes_keep_every_bit_pattern(dtype, rng):
    array = np.frombuffer(rng.bytes(7 * 5 * 8), dtype)[:35].reshape(7, 5)
    if dtype is np.bool_:
        array = rng.random((7, 5)) < 0.5
    near = array[::-1].copy()
    for base in (None, near, array):
        assert same(unplaned(planes(array, base), array.dtype, array.shape, base), array)
    assert not planes(array, array).any()


def test_text_is_kept_as_it_is():
    array = np.array([b"one", b"two!"])
    assert same(unplaned(planes(array), array.dtype, array.shape), array)


def test_what_is_near_is_small(rng):
    array = rng.normal(size=1000).astype(np.float32)
    near = np.nextafter(array, np.float32(9))
    assert not planes(array, near)[:-1].any()


def test_a_cut_file_is_refused_at_every_length(kept, rng):
    content = kept.read_bytes()
    for end in [0, 1, 30, *rng.integers(len(content), size=12)]:
        kept.write_bytes(content[:end])
        with pytest.raises(CannotCompare, match=rf"{kept} is not a recording: [^\n]+$"):
            file.read(kept)


def test_no_changed_byte_is_accepted(kept, rng):
    content, right = kept.read_bytes(), file.read(kept).content
    for where in rng.integers(len(content), size=60):
        bad = bytearray(content)
        bad[where] ^= 1 << int(rng.integers(8))
        kept.write_bytes(bytes(bad))
        with contextlib.suppress(CannotCompare):
            assert file.read(kept).content == right  # what zip leaves unread, as a file's date


def resealed(kept, change):
    """The file with a header that is changed, and its digest right again."""
    header, arrays = sealed.read(kept, file.FORMAT)
    change(header, arrays)
    kept.write_bytes(sealed.to_bytes(header, arrays))


BATCH = "step|0|0|start|batch/x:0"


def way(header, batch="batch/x:0", exponents=(20, 20), decay=0.0):
    """To a gradient of step 0."""
    header["tensors"]["back|0|0|grads/dense/kernel"] = header["tensors"]["step|0|0|got|logits/logits"]
    header["programs"][0]["ways"]["0"] = [{"grads/dense/kernel": [batch, exponents, decay]}, {}]


LIES = {
    "another dtype": lambda h, a: h["kinds"].update({next(iter(h["kinds"])): ["<f8", [2, 2]]}),
    "an object": lambda h, a: h["kinds"].update({next(iter(h["kinds"])): ["|O", [1]]}),
    "a huge shape": lambda h, a: h["kinds"].update({next(iter(h["kinds"])): ["<f4", [10**12]]}),
    "a shape below 0": lambda h, a: h["kinds"].update({next(iter(h["kinds"])): ["<f4", [-1, -5]]}),
    "no tensors": lambda h, a: h.pop("tensors"),
    "a tensor that is not there": lambda h, a: h["tensors"].update({"step|0|0|start|weights/dense/bias": "none"}),
    "a program that is none": lambda h, a: h.update(programs=[3]),
    "planes of another dtype": lambda h, a: a.update({next(iter(a)): np.zeros(4)}),
    "a graph that is not there": lambda h, a: h["programs"][0].update(graph=7),
    "ways that are none": lambda h, a: h["programs"][0].update(ways={"0": 3}),
    "a product of what is not there": lambda h, a: way(h, batch="batch/none"),
    "a product of other shapes": lambda h, a: way(h, batch="batch/y:0"),
    "a product beyond all numbers": lambda h, a: way(h, exponents=[10**30, 0]),
    "a product of other numbers": lambda h, a: way(h, decay=1.0),
    "a limit that is cut": lambda h, a: h["tensors"].update({"limits|0|0|loss/loss:norms": h["tensors"][BATCH]}),
    "updates that are none": lambda h, a: h["programs"][0]["fields"].update(updates=[{"op": 1}]),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_lies_under_a_right_digest_is_refused_in_one_line(kept, lie):
    resealed(kept, LIES[lie])
    with pytest.raises(CannotCompare, match=rf"{kept}[^\n]*(no recording of a program|come out as recorded)[^\n]*$"):
        file.read(kept)


def test_another_format_is_told(kept):
    resealed(kept, lambda header, arrays: header.update(format=99))
    with pytest.raises(CannotCompare, match=rf"{kept} has format 99, not {file.FORMAT}: record it again"):
        file.read(kept)


def npy(shape, dtype, held):
    """A member that claims a shape, and holds so many bytes."""
    head = str({"descr": dtype, "fortran_order": False, "shape": shape}).encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + bytes(held)


@pytest.mark.parametrize(
    ("member", "told"),
    [
        (npy((10**12,), "<f4", 64), "claims float32"),
        (npy((2,), "<f4", 64), "claims float32"),
        (npy((8,), "|O", 64), "claims object"),
    ],
)
def test_a_member_that_claims_more_than_it_holds_is_not_read(kept, member, told):
    with zipfile.ZipFile(kept, "w") as opened:
        opened.writestr("header.npy", member)
    with pytest.raises(CannotCompare, match=f"is not a recording: .*{told}"):
        file.read(kept)


def test_a_bomb_is_not_inflated(kept, monkeypatch):
    monkeypatch.setattr(sealed, "LARGEST", 1 << 20)
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("header.npy", npy((1 << 21,), "|u1", 1 << 21))
    assert kept.stat().st_size < 1 << 13
    with pytest.raises(CannotCompare, match="its arrays would come to"):
        file.read(kept)


def test_a_machine_that_computes_otherwise_is_told(kept, monkeypatch):
    monkeypatch.setattr("parity.compare.recorded.predicted.after", lambda updates, one: one.arrays("start"))
    with pytest.raises(CannotCompare, match="does not come out as recorded"):
        file.read(kept)


def test_a_folder_without_a_recording_is_told(tmp_path):
    with pytest.raises(CannotCompare, match="is not there: python -m parity adopt SCRIPT makes it"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t.update(format=7), "has raw format 7, not 1"),
        (lambda t: t["programs"][0].update(steps=[]), "its 7 training runs end before the first of the chosen steps"),
        (lambda t: t.update(programs=[], status="ended"), r"no run of the script trains \(ended\)"),
        (lambda t: t.update(programs=[], failure="Traceback\n  x\nKeyError: 3\n"), "failed by itself: KeyError: 3"),
    ],
)
def test_a_raw_folder_without_a_step_says_why(tmp_path, rng, change, told):
    folder = Like().raw(tmp_path, rng)
    raw = json.loads((folder / "raw.json").read_text())
    change(raw)
    (folder / "raw.json").write_text(json.dumps(raw))
    with pytest.raises(CannotCompare, match=told):
        of_folder(folder)


def grads(rng, sizes=(30, 7)):
    return {f"v{i}": rng.normal(size=size).astype(np.float32) for i, size in enumerate(sizes)}


def by_norm(named, limit, together):
    norms = {name: float(np.linalg.norm(array)) for name, array in named.items()}
    all_ = float(np.sqrt(sum(norm**2 for norm in norms.values())))
    return {n: a * np.float32(min(1, limit / (all_ if together else norms[n]))) for n, a in named.items()}


def test_each_way_of_clipping_is_found_from_pairs(rng):
    some = [grads(rng) for _ in range(3)]
    cut = [{n: np.clip(a, np.float32(-0.5), np.float32(0.5)) for n, a in one.items()} for one in some]
    ways = {
        "global_norm": [by_norm(one, 2.5, True) for one in some],
        "norm": [by_norm(one, 1.5, False) for one in some],
    }
    for kind, arriving in {**ways, "value": cut}.items():
        found = clipping_of(list(zip(some, arriving, strict=True)), [2.5, 1.5, 0.1])
        assert found
        assert (found.fields or {}).get("kind") == kind
    assert clipping_of(list(zip(some, some, strict=True)), []).fields is None


def test_what_is_no_clipping_is_not_taken_for_one(rng):
    some = [grads(rng) for _ in range(2)]
    other = [{name: array + np.float32(0.01) for name, array in one.items()} for one in some]
    assert clipping_of(list(zip(some, other, strict=True)), [1.0]) is None
    assert clipping_of([(some[0], {})], []) is None
