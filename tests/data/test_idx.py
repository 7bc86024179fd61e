"""The IDX reader: what is written comes back, and whatever is done to a file is noticed and named."""

import gzip
import hashlib
import itertools
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jaxmlp.data.dataset import Split
from jaxmlp.data.idx import check, read_split
from jaxmlp.errors import DataError

SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]  # slow where others work too
SETTINGS = settings(deadline=None, max_examples=60, suppress_health_check=SUPPRESSED)
IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">{array.ndim + 1}I", 0x0800 + array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def some(count: int, seed: int = 0) -> tuple[bytes, bytes]:
    rng = np.random.default_rng(seed)
    return idx(rng.integers(0, 256, (count, 28, 28))), idx(rng.integers(0, 10, count))


def written(folder: Path, images: bytes, labels: bytes) -> tuple[Path, Path]:
    paths = folder / IMAGES, folder / LABELS
    for path, content in zip(paths, (images, labels), strict=True):
        path.write_bytes(content)
    return paths


def digests(*contents: bytes) -> tuple[str, ...]:
    return tuple(hashlib.sha256(content).hexdigest() for content in contents)


def refusal(folder: Path, images: bytes, labels: bytes, culprit: str = IMAGES) -> str:
    """The one line with which the pair is refused, which must name the file at fault."""
    with pytest.raises(DataError) as caught:
        read_split(*written(folder, images, labels))
    message = str(caught.value)
    assert message.startswith(f"{folder / culprit}: ")
    assert "\n" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return message


def outcome(paths: tuple[Path, Path], digests: tuple | None = None) -> Split | DataError:
    """What reading comes to; any other exception is the test's failure."""
    try:
        return read_split(*paths, digests)
    except DataError as error:
        return error


@SETTINGS
@given(st.integers(1, 12), st.integers(0, 2**32), st.booleans(), st.booleans())
def test_what_was_written_is_read_back(tmp_path, count, seed, zip_images, zip_labels):
    images, labels = some(count, seed)
    packed = (gzip.compress(images) if zip_images else images, gzip.compress(labels) if zip_labels else labels)
    split = read_split(*written(tmp_path, *packed), digests(images, labels))
    assert split.images.shape == (count, 784)
    assert split.labels.shape == (count,)
    assert (split.images.dtype, split.labels.dtype) == (np.uint8, np.uint8)
    assert split.images.tobytes() == images[16:]
    assert split.labels.tobytes() == labels[8:]


@SETTINGS
@given(st.data(), st.booleans(), st.booleans())
def test_any_corruption_is_a_data_error_and_nothing_else(tmp_path, data, zipped, of_labels):
    contents = some(3)
    packed = [gzip.compress(content, mtime=0) if zipped else content for content in contents]
    victim = packed[of_labels]
    cut, at = data.draw(st.booleans()), data.draw(st.integers(0, len(victim) - 1))
    flipped = victim[:at] + bytes([victim[at] ^ data.draw(st.integers(1, 255))]) + victim[at + 1 :]
    packed[of_labels] = victim[:at] if cut else flipped
    split = outcome(written(tmp_path, *packed), digests(*contents))
    if isinstance(split, DataError):
        assert "\n" not in str(split)
        assert str(tmp_path) in str(split)
    else:  # a byte of gzip's own header, such as its time stamp: the content must be whole
        assert zipped
        assert not cut
        assert (split.images.tobytes(), split.labels.tobytes()) == (contents[0][16:], contents[1][8:])


@SETTINGS
@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_read_or_refused(tmp_path, junk):
    for images, labels in ((junk, some(1)[1]), (some(1)[0], junk)):
        result = outcome(written(tmp_path, images, labels))
        assert isinstance(result, Split) or "\n" not in str(result)


@pytest.mark.parametrize("kept", [60, 500, -1, -8, -9])
def test_truncated_gzip_is_refused_with_its_path(tmp_path, kept):
    images, labels = some(4)
    assert "truncated gzip" in refusal(tmp_path, gzip.compress(images)[:kept], labels)


def test_damaged_gzip_is_refused(tmp_path):
    images, labels = some(4)
    packed = bytearray(gzip.compress(images))
    packed[-5] ^= 1  # in the check sum
    assert "damaged gzip" in refusal(tmp_path, bytes(packed), labels)


@SETTINGS
@given(st.lists(st.integers(0, 3000), max_size=5), st.integers(0, 600), st.booleans())
def test_gzip_of_several_members_and_zeros_behind_is_read(tmp_path, cuts, zeros, empty_last):
    images, labels = some(4)
    at = [0, *sorted(cuts), len(images)]
    members = [gzip.compress(images[start:end]) for start, end in itertools.pairwise(at)]
    packed = b"".join([*members, *([gzip.compress(b"")] if empty_last else [])]) + bytes(zeros)
    split = read_split(*written(tmp_path, packed, gzip.compress(labels)), digests(images, labels))
    assert split.images.tobytes() == images[16:]


@pytest.mark.parametrize("between", [b"", bytes(30)])
@pytest.mark.parametrize("junk", [b"x", b"xyz" * 99])
def test_bytes_after_the_last_gzip_member_are_refused(tmp_path, between, junk):
    images, labels = some(4)
    for packed in (gzip.compress(images), gzip.compress(images[:99]) + gzip.compress(images[99:])):
        assert "stray bytes follow" in refusal(tmp_path, packed + between + junk, labels)


def test_a_second_member_that_breaks_off_or_says_more_is_refused(tmp_path):
    images, labels = some(4)
    first, second = gzip.compress(images[:99]), gzip.compress(images[99:])
    assert "truncated gzip" in refusal(tmp_path, first + second[:-3], labels)
    assert "goes on after" in refusal(tmp_path, first + second + gzip.compress(b"more"), labels)


def test_a_wrong_magic_number_is_refused_with_the_right_one(tmp_path):
    images, labels = some(4)
    assert "0x1f3a0803; IDX images start with 0x00000803" in refusal(tmp_path, b"\x1f\x3a" + images[2:], labels)
    assert "0x00000801; IDX images start with 0x00000803" in refusal(tmp_path, labels, labels)
    assert "0x00000803; IDX labels start with 0x00000801" in refusal(tmp_path, images, images, LABELS)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_count_that_disagrees_with_the_size_is_refused(tmp_path, pack):
    images, labels = some(4)
    fewer, more = (images[:4] + struct.pack(">I", count) + images[8:] for count in (3, 5))
    assert "goes on after the 2368 bytes" in refusal(tmp_path, pack(fewer), labels)
    assert "declares 3936 bytes in all, but it ends after 3152" in refusal(tmp_path, pack(more), labels)
    assert "ends after 5 bytes, within its IDX header of 16" in refusal(tmp_path, pack(images[:5]), labels)
    assert "no items" in refusal(tmp_path, pack(images[:4] + bytes(4) + images[8:16]), labels)


def test_images_of_other_dimensions_are_refused(tmp_path):
    assert "28x29 pixels; 28x28 are right" in refusal(tmp_path, idx(np.zeros((2, 28, 29))), some(2)[1])
    assert "0x00000802" in refusal(tmp_path, idx(np.zeros((2, 784))), some(2)[1])


def test_images_and_labels_of_different_length_are_refused(tmp_path):
    message = refusal(tmp_path, some(4)[0], some(5)[1], LABELS)
    assert f"holds 5 labels, but {IMAGES} holds 4 images" in message


def test_a_digest_that_differs_is_refused_with_both(tmp_path):
    images, labels = some(4)
    paths, right = written(tmp_path, images, labels), digests(images, labels)
    read_split(*paths, right)
    for wrong, culprit in (((right[1], right[1]), paths[0]), ((right[0], right[0]), paths[1])):
        with pytest.raises(DataError, match=rf"^{culprit}: is not the original.*SHA-256 [0-9a-f]{{12}}"):
            read_split(*paths, wrong)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_header_that_declares_gigabytes_is_refused_before_they_are_read(tmp_path, pack):
    bomb = struct.pack(">4I", 0x0803, 2**31, 28, 28) + bytes(10**6)
    assert "at most 629145600 bytes are read" in refusal(tmp_path, pack(bomb), some(2)[1])


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.durability_too("a header that claims too much")
def test_a_file_is_held_in_memory_once(tmp_path, pack):
    count = 20_000
    zeros = struct.pack(">4I", 0x0803, count, 28, 28) + bytes(count * 784)
    (tmp_path / "images").write_bytes(pack(zeros))
    (tmp_path / "labels").write_bytes(struct.pack(">2I", 0x0801, count) + bytes(count))
    tracemalloc.start()
    try:
        read_split(tmp_path / "images", tmp_path / "labels")
        assert tracemalloc.get_traced_memory()[1] < 1.3 * len(zeros) + (4 << 20)
    finally:
        tracemalloc.stop()


def test_gzip_that_unpacks_to_more_than_its_header_declares_is_not_unpacked_further(tmp_path):
    bomb = gzip.compress(some(1)[0] + bytes(50 * 10**6))
    tracemalloc.start()
    try:
        assert "goes on after the 800 bytes" in refusal(tmp_path, bomb, some(1)[1])
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


def test_a_directory_is_refused(tmp_path):
    images, labels = written(tmp_path, *some(1))
    images.unlink()
    images.mkdir()
    with pytest.raises(DataError, match="is a directory, not an IDX file"):
        read_split(images, labels)


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(13, "Permission denied")

    paths = written(tmp_path, *some(1))
    monkeypatch.setattr(Path, "open", refuse)  # a test run as root could read it whatever its mode
    with pytest.raises(DataError, match=f"{IMAGES}: cannot be read: Permission denied"):
        read_split(*paths)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        read_split(tmp_path / IMAGES, tmp_path / LABELS)


def test_bytes_are_checked_packed_or_not(tmp_path):
    content, _ = some(2)
    (digest,) = digests(content)
    check("here", content, digest)
    check("here", gzip.compress(content), digest)
    with pytest.raises(DataError, match=r"^here: is not the original"):
        check("here", content + b"\0", digest)
    with pytest.raises(DataError, match=r"^here: truncated"):
        check("here", gzip.compress(content)[:-4], digest)
