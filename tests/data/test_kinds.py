"""What a file really is, is said beside what is wrong with it, whatever was expected."""

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile

import numpy as np
import pytest
from idx_writer import NAMES, idx, some_set, write

from jaxmlp.data import load
from jaxmlp.data.kinds import kind
from jaxmlp.errors import DataError


def made(fill) -> bytes:
    file = io.BytesIO()
    fill(file)
    return file.getvalue()


def zipped(file):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("train-images", b"abc")


def tarred(file):
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("train-images"), io.BytesIO())


KINDS = {
    "an HTML page": b"\xef\xbb\xbf\n <!DOCTYPE HTML><title>503</title>",
    "an HTML page within gzip": gzip.compress(b"<html>no"),
    "an XML document": b"<?xml version='1.0'?><Error/>",
    "a zip archive": made(zipped),
    "an npz file": made(lambda file: np.savez(file, a=np.zeros(3))),
    "a single NumPy array": made(lambda file: np.save(file, np.zeros(3))),
    "a bzip2 archive": bz2.compress(b"abc"),
    "an xz archive": lzma.compress(b"abc"),
    "a zstd archive": b"\x28\xb5\x2f\xfd" + bytes(40),
    "a tar archive": made(tarred),
    "a tar archive within gzip": gzip.compress(made(tarred)),
    "gzip within gzip": gzip.compress(gzip.compress(b"abc")),
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n",
    "a PNG image": b"\x89PNG\r\n\x1a\n" + bytes(40),
    "an HDF5 file": b"\x89HDF\r\n\x1a\n" + bytes(40),
    "a MATLAB file": b"MATLAB 5.0 MAT-file" + bytes(40),
    "a Python pickle": pickle.dumps([1, 2, 3]),
    "text in UTF-16": "label".encode("utf-16"),
    "text, beginning 'Not Found – café'": "Not Found – café\n".encode(),
    "nothing but zeros": bytes(5000),
    "empty": b"",
}


@pytest.mark.parametrize("is_a", KINDS)
def test_a_file_is_named_for_what_it_is_with_a_remedy(tmp_path, rng, is_a):
    write(tmp_path, some_set(rng))
    for name, data in ((NAMES[0], f"idx:{tmp_path}"), ("a.csv", f"csv:{tmp_path}/a.csv"), ("a", f"npz:{tmp_path}/a")):
        if name == "a" and is_a in ("an npz file", "a zip archive"):
            continue  # those are read, and found to lack arrays
        (tmp_path / name).write_bytes(KINDS[is_a])
        with pytest.raises(DataError) as caught:
            load(data)
        message = str(caught.value)
        assert message.startswith(f"{tmp_path / name}: ")
        assert f"is {is_a}" in message.replace("It is", "is")
        assert ": " in message.split(is_a)[1]
        assert "\n" not in message


def test_an_idx_file_is_known_where_another_was_meant(tmp_path, rng):
    arrays = some_set(rng)
    (tmp_path / "a.csv").write_bytes(idx(arrays[0]))
    with pytest.raises(DataError, match=r"It is an IDX file of images: .*--data idx:DIR"):
        load(f"csv:{tmp_path}/a.csv")
    swapped = [arrays[1], arrays[0], *arrays[2:]]
    with pytest.raises(DataError, match=r"0x00000803\. It is an IDX file of labels: are names swapped"):
        load(f"idx:{write(tmp_path, swapped)}")


def test_a_table_is_known_where_idx_was_meant(tmp_path, rng):
    write(tmp_path, some_set(rng))
    (tmp_path / NAMES[0]).write_bytes(b"label," + b",".join(b"pixel%d" % i for i in range(784)))
    with pytest.raises(DataError, match="use --data csv:FILE"):
        load(f"idx:{tmp_path}")


def test_noise_is_taken_for_nothing(rng):
    for _ in range(200):
        assert kind(b"\xf5" + rng.bytes(300)) is None
