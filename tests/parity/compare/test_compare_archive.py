"""A trace comes back from a file to the bit, and no damage to the file passes: not in a header, not in any array."""

import io
import json

import numpy as np
import pytest
from textbook import pair

from parity.compare.archive import read, read_arrays, to_bytes
from parity.compare.probe import PROBE
from parity.compare.sealed import content_digest
from parity.compare.tensor import Coded, Whole, digest, sample, sketch
from parity.errors import CannotCompare


@pytest.fixture
def made(rng):
    """A trace with whole tensors, sketches and coded starts, and the arrays that its reader has."""
    reference = pair(rng, (12, 9))[0]
    zero, probe = reference.steps[0], reference.steps[PROBE]
    known = [tensor.array for one in (zero, probe) for tensor in one.start.values()]
    near = {
        key: Coded.of(tensor.array, tensor.array + rng.normal(size=tensor.shape).astype(np.float32))
        for key, tensor in zero.start.items()
    }
    got = {**zero.got, "grads/weights_1": sketch(zero.got["grads/weights_1"].array, sample(3, 36), buckets=16)}
    later = zero._replace(start=near, got=got, following=None)
    steps = {0: zero._replace(following=None), 2: later, PROBE: probe._replace(following=None)}
    series = {**reference.series, "test_predictions": rng.random((20, 10), np.float32)}
    return reference._replace(steps=steps, series=series), known


@pytest.fixture
def kept(made, tmp_path):
    file = tmp_path / "seed3.npz"
    file.write_bytes(to_bytes(*made))
    return file


def rewritten(file, header, arrays):
    """The file anew, without a digest of its own making."""
    buffer = io.BytesIO()
    np.savez(buffer, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    file.write_bytes(buffer.getvalue())


def parts(file):
    with np.load(file, allow_pickle=False) as npz:
        arrays = {name: npz[name] for name in npz.files}
    return json.loads(arrays.pop("header").tobytes()), arrays


def same(one, other):
    assert type(one) is type(other)
    for field, array in one._asdict().items():
        np.testing.assert_array_equal(array, getattr(other, field), strict=field != "shape")


def test_a_trace_comes_back_to_the_bit(made, kept):
    trace, known = made
    back = read(kept, known)
    assert back.header | trace.header == back.header
    assert set(back.header) - set(trace.header) == {"format"}
    assert list(back.steps) == [0, 2, PROBE]
    assert list(back.series) == list(trace.series)
    for name, array in trace.series.items():
        np.testing.assert_array_equal(array, back.series[name], strict=True)
    for step, one in trace.steps.items():
        for part in ("start", "got"):
            told, found = getattr(one, part), getattr(back.steps[step], part)
            assert sorted(told) == sorted(found)
            for key, tensor in told.items():
                same(tensor, found[key])


def test_a_file_of_the_same_trace_is_the_same_file(made, kept):
    assert kept.read_bytes() == to_bytes(*made)
    content = parts(kept)[0]["content"]
    kept.write_bytes(to_bytes(read(kept, made[1]), made[1]))
    assert parts(kept)[0]["content"] == content


def test_starts_that_the_reader_has_are_kept_by_digest_only(made, kept, tmp_path):
    trace = made[0]
    assert not [name for name in parts(kept)[1] if "/start/" in name and name.endswith((":array", ":base"))]
    whole = tmp_path / "whole.npz"
    whole.write_bytes(to_bytes(trace))
    assert len(whole.read_bytes()) > len(kept.read_bytes())
    for key, tensor in read(whole).steps[2].start.items():
        np.testing.assert_array_equal(tensor.array, trace.steps[2].start[key].array)


@pytest.mark.parametrize("missing", [0, -1])
def test_a_reader_without_the_weights_it_starts_from_is_told_which(made, kept, missing):
    known = list(made[1])
    known[missing] = np.nextafter(known[missing], np.float32(9))
    with pytest.raises(CannotCompare, match=rf"{kept}.*starts from weights that are not those drawn here: .*/start/"):
        read(kept, known)


def test_a_machine_that_decodes_other_bits_is_refused(made, kept, monkeypatch):
    rounded = property(lambda self: self.base + self.codes * self.scale.reshape(-1, *[1] * (self.codes.ndim - 1)))
    monkeypatch.setattr(
        Coded,
        "array",
        property(lambda self: np.nextafter(rounded.fget(self), np.float32(9))),  # pyright: ignore
    )
    with pytest.raises(CannotCompare, match=rf"{kept}: 2/start/weights/weights_1 does not come out as recorded"):
        read(kept, made[1])


def damaged(rng, content):
    """Some bits or bytes of a file changed, one dropped, or its end cut off."""
    bad = bytearray(content)
    where, kind = int(rng.integers(len(bad))), rng.integers(4)
    if kind == 0:
        bad[where] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        bad[where : where + 8] = rng.bytes(len(bad[where : where + 8]))
    elif kind == 2:
        del bad[where]
    else:
        del bad[where:]
    return bytes(bad)


def test_no_damage_to_the_bytes_of_a_file_is_accepted(made, kept, rng):
    content, right, refused = kept.read_bytes(), read_arrays(kept), 0
    for _ in range(800):
        kept.write_bytes(damaged(rng, content))
        if said := refusal(kept, made[1]):
            refused += 1
            assert said.startswith(str(kept))
            assert "\n" not in said
        else:  # what zip leaves unread, as a file's date
            assert content_digest(*read_arrays(kept)) == content_digest(*right)
    assert refused > 600


def refusal(file, known):
    """What is said where a file is refused."""
    try:
        read(file, known)
    except CannotCompare as error:
        return str(error)
    return None


def changed(rng, array):
    """Another array that looks much like it."""
    flat = np.array(array).reshape(-1)
    where = int(rng.integers(flat.size))
    other = flat.copy()
    other.view(np.uint8)[where * flat.itemsize + int(rng.integers(flat.itemsize))] ^= 1 << int(rng.integers(8))
    ways = [other.reshape(array.shape), flat.astype(flat.dtype.newbyteorder(">")).reshape(array.shape), flat[:-1]]
    ways += [array[None], array.astype(np.complex128), np.delete(flat, where)]
    return ways[int(rng.integers(len(ways)))]


def test_no_array_that_is_rewritten_is_accepted(made, kept, rng):
    header, arrays = parts(kept)
    for _ in range(200):
        name = str(rng.choice(list(arrays)))
        new = changed(rng, arrays[name])
        if digest(new) == digest(arrays[name]):
            continue  # bytes have no order
        rewritten(kept, header, {**arrays, name: new})
        with pytest.raises(CannotCompare, match="is damaged"):
            read(kept, made[1])


def test_no_array_that_is_missing_added_renamed_or_swapped_is_accepted(made, kept, rng):
    header, arrays = parts(kept)
    for name in rng.permutation(list(arrays))[:30]:
        rest = {other: array for other, array in arrays.items() if other != name}
        swapped = {**arrays, name: arrays["series/losses"], "series/losses": arrays[name]}
        for bad in (rest, {**rest, f"{name}x": arrays[name]}, {**arrays, f"{name}x": arrays[name]}, swapped):
            if name != "series/losses" or bad is not swapped:
                rewritten(kept, header, bad)
                with pytest.raises(CannotCompare, match="is damaged"):
                    read(kept, made[1])


def leaves(value, path=()):
    """Paths to what is neither a dict nor a list."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path


def test_no_field_of_the_header_that_is_rewritten_is_accepted(made, kept, rng):
    header, arrays = parts(kept)
    for path in leaves(header):
        new = ("other", None, 7, 1.5, [], {})[rng.integers(6)]
        bad = json.loads(json.dumps(header))
        place = bad
        for key in path[:-1]:
            place = place[key]
        if place[path[-1]] != new:
            place[path[-1]] = new
            rewritten(kept, bad, arrays)
            with pytest.raises(CannotCompare, match="has format" if path == ("format",) else "is damaged"):
                read(kept, made[1])
    for key in header:
        rewritten(kept, {other: value for other, value in header.items() if other != key}, arrays)
        with pytest.raises(CannotCompare, match=r"is damaged|is not a recording"):
            read(kept, made[1])


def test_names_and_digests_cannot_be_run_together():
    one = np.zeros(1)
    names = [{"a": one, "b": one}, {f"a {digest(one)}b": one}, {"a": one}, {"b": one, "a": one[:0]}]
    assert len({content_digest({}, arrays) for arrays in names}) == 4
    assert content_digest({}, {"a": one, "b": one[:0]}) == content_digest({}, {"b": one[:0], "a": one})
    assert len({content_digest({"x": x}, {}) for x in (1, 1.0, "1", True, None)}) == 5


@pytest.mark.parametrize("told", [1, 3, "2", None])
def test_another_format_is_refused_with_its_number(made, kept, told):
    header, arrays = parts(kept)
    del header["content"]  # format 1 had none
    rewritten(kept, {**header, "format": told}, arrays)
    with pytest.raises(CannotCompare, match=rf"{kept} has format {told}, not 2: record it again"):
        read(kept, made[1])


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04 nothing", b"\x93NUMPY\x01\x00", b"{}", b"\x80\x04N."],
    ids=["empty", "no zip", "no npz", "json", "pickle"],
)
def test_a_file_that_is_no_recording_is_refused_in_one_line(kept, content):
    kept.write_bytes(content)
    with pytest.raises(CannotCompare, match=rf"{kept} is not a recording: [^\n]+$"):
        read(kept)


@pytest.mark.parametrize("header", [b"", b"[]", b"{", b"7", b"\xff", b'{"format": 2}'])
def test_a_header_that_is_none_is_refused(kept, header):
    with kept.open("wb") as file:
        np.savez(file, header=np.frombuffer(header, np.uint8))
    with pytest.raises(CannotCompare, match="is not a recording"):
        read(kept)


class Trap:
    """Runs code of its own where it is unpickled."""

    sprung = False

    def __reduce__(self):
        return setattr, (Trap, "sprung", True)


def test_nothing_is_unpickled(kept):
    with kept.open("wb") as file:
        np.savez(file, allow_pickle=True, header=np.array([Trap()], object))
    with pytest.raises(CannotCompare, match="is not a recording"):
        read(kept)
    assert not Trap.sprung


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CannotCompare, match=r"nowhere\.npz is not a recording"):
        read(tmp_path / "nowhere.npz")


def test_a_trace_that_lacks_a_part_is_refused_though_its_digest_is_right(made, kept):
    header, arrays = read_arrays(kept)
    for name in ("2/got/grads/weights_1:rows", "2/start/weights/weights_1:scale"):
        rest = {other: array for other, array in arrays.items() if other != name}
        rewritten(kept, {**header, "content": content_digest(header, rest)}, rest)
        with pytest.raises(CannotCompare, match=f"lacks {name}"):
            read(kept, made[1])


def test_whole_tensors_may_be_scalars(made, kept):
    loss = read(kept, made[1]).steps[0].got["loss/loss"]
    assert isinstance(loss, Whole)
    assert loss.array.shape == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", 3), ("steps", ["x"]), ("starts", []), ("starts", None), ("bases", 1.5), ("steps", [[1]])],
    ids=str,
)
def test_a_header_that_is_none_is_refused_though_its_digest_is_right(kept, name, value):
    header, arrays = parts(kept)
    header[name] = value
    header["content"] = content_digest({key: one for key, one in header.items() if key != "content"}, arrays)
    rewritten(kept, header, arrays)
    with pytest.raises(CannotCompare, match=r"seed3\.npz is not a recording: \w+Error: "):
        read(kept)


@pytest.mark.parametrize(
    ("part", "other", "said"),
    [
        (":codes", lambda codes: codes[:, None], r"has codes \(.*\) and scales"),
        (":scale", lambda scale: scale[:, None], r"has codes \(.*\) and scales"),
        (":rows", lambda rows: rows + 10**9, "has rows beyond"),
        (":rows", lambda rows: rows.astype(float), "has rows"),
        (":shape", lambda shape: -shape, "has rows"),
        (":sums", lambda sums: sums[:0], "has rows"),
    ],
)
def test_parts_that_do_not_fit_are_refused_before_anything_is_made_of_them(kept, made, part, other, said):
    """NumPy would make a large array of two small ones, or wrap around."""
    header, arrays = parts(kept)
    name = next(name for name in arrays if name.endswith(part))
    arrays[name] = other(arrays[name])
    header["content"] = content_digest({key: one for key, one in header.items() if key != "content"}, arrays)
    rewritten(kept, header, arrays)
    with pytest.raises(CannotCompare, match=f"is not a recording: ValueError: .*{said}"):
        read(kept, made[1])
