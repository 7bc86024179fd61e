"""Downloads from servers on this machine: whole and checked, or not at all, and silence is noticed in seconds."""

import gzip
import hashlib
import threading
import time

import pytest
from requests import Response

from jaxmlp.data import reachable
from jaxmlp.data.mirrors import MIRRORS, fetch, require_sound
from jaxmlp.errors import DataError, DataUnreachable

pytestmark = pytest.mark.durability_too("a download that goes wrong")

CONTENT = {"first": b"one" * 5000, "second": b"two" * 700}
PACKED = {f"{name}.gz": gzip.compress(content) for name, content in CONTENT.items()}
DIGESTS = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
PATIENCE = reachable.PATIENCE  # before a test changes it
SOON = 20  # seconds, on however busy a machine; what hangs here hangs for 60


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_every_file_is_downloaded_once_and_unchanged(server, tmp_path, capsys):
    server.files = dict(PACKED)
    fetch(DIGESTS, tmp_path / "new" / "cache")
    assert names(tmp_path / "new" / "cache") == ["first.gz", "second.gz"]
    assert (tmp_path / "new" / "cache" / "first.gz").read_bytes() == PACKED["first.gz"]
    assert [line for line in server.asked if line.startswith("GET")] == ["GET /first.gz", "GET /second.gz"]
    assert capsys.readouterr() == ("", "")  # no progress bar, no advice from the library, where nobody watches


@pytest.mark.parametrize("answer", [404, 403, 500])
def test_a_server_without_the_files_counts_as_unreachable(server, tmp_path, answer):
    server.files = dict.fromkeys(PACKED, answer)
    with pytest.raises(DataUnreachable, match="no server that holds it answers: put the four files") as caught:
        fetch(DIGESTS, tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert not names(tmp_path / "cache")


def test_a_server_that_never_answers_is_given_up_soon(server, tmp_path, monkeypatch):
    assert PATIENCE < 4.5
    monkeypatch.setattr(reachable, "PATIENCE", 0.3)
    server.files = dict.fromkeys(PACKED)
    start = time.monotonic()
    with pytest.raises(DataUnreachable):
        fetch(DIGESTS, tmp_path / "cache")
    assert time.monotonic() - start < SOON
    assert len(server.asked) <= 1
    assert not names(tmp_path / "cache")


def test_a_name_look_up_that_hangs_is_given_up_soon(tmp_path, monkeypatch):
    monkeypatch.setattr(reachable, "PATIENCE", 0.3)
    over, start = threading.Event(), time.monotonic()
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: over.wait(60))
    with pytest.raises(DataUnreachable):
        fetch(DIGESTS, tmp_path / "cache")
    assert time.monotonic() - start < SOON
    over.set()


def test_a_port_where_nobody_listens_is_given_up_at_once(tmp_path):
    start = time.monotonic()
    with pytest.raises(DataUnreachable):
        fetch(DIGESTS, tmp_path / "cache")
    assert time.monotonic() - start < SOON


@pytest.mark.parametrize(
    "damaged",
    [b"<html>please log in</html>", gzip.compress(b"something else"), PACKED["second.gz"][:-9]],
    ids=["a page", "another file", "cut off"],  # not the bytes, in which the time is
)
def test_a_damaged_download_is_an_error_and_leaves_nothing(server, tmp_path, damaged):
    server.files = PACKED | {"second.gz": damaged}
    with pytest.raises(DataError, match=f"^{server.url}second.gz: ") as caught:
        fetch(DIGESTS, tmp_path)
    assert not isinstance(caught.value, DataUnreachable)
    assert names(tmp_path) == ["first.gz"]


def test_a_download_that_breaks_off_leaves_nothing(server, tmp_path):
    server.files, server.cut = dict(PACKED), True
    with pytest.raises(DataUnreachable, match="download failed"):
        fetch(DIGESTS, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("trouble", ["missing", "damaged", "broken off"])
def test_the_next_mirror_makes_good_for_the_first(server, second, tmp_path, trouble):
    server.files, second.files = dict(PACKED), dict(PACKED)
    server.cut = trouble == "broken off"
    if not server.cut:
        server.files["second.gz"] = 404 if trouble == "missing" else b"nonsense"
    fetch(DIGESTS, tmp_path)
    assert names(tmp_path) == ["first.gz", "second.gz"]


def test_of_several_mirrors_one_that_answers_is_enough(server, second, tmp_path):
    server.files, second.files = dict.fromkeys(PACKED), dict(PACKED)
    start = time.monotonic()
    fetch(DIGESTS, tmp_path)
    assert time.monotonic() - start < SOON
    assert len(server.asked) <= 1, "whoever has not answered yet is not asked again"
    assert names(tmp_path) == ["first.gz", "second.gz"]


def test_a_folder_that_cannot_be_written_is_named(server, tmp_path):
    server.files = dict(PACKED)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=f"^{tmp_path}/file/cache: cannot be written: Not a directory"):
        fetch(DIGESTS, tmp_path / "file" / "cache")


def test_a_full_disk_is_named_and_leaves_nothing(server, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    server.files = dict(PACKED)
    monkeypatch.setattr("pooch.core.shutil.move", full)
    with pytest.raises(DataError, match=f"^{tmp_path}: cannot be written: No space left on device"):
        fetch(DIGESTS, tmp_path)
    assert names(tmp_path) == []


def test_two_that_download_at_once_both_have_whole_files(server, tmp_path):
    server.files, failed = dict(PACKED), []

    def one():
        try:
            fetch(DIGESTS, tmp_path)
        except Exception as error:
            failed.append(error)

    both = [threading.Thread(target=one) for _ in range(4)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert not failed
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == PACKED


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"location": "http://elsewhere/first.gz"}, "leads to http://elsewhere/first.gz, which is not HTTPS"),
        ({"location": "//elsewhere/first.gz"}, None),
        ({"content-length": "9912422"}, None),
        ({"content-length": str(1 << 40)}, f"claims {1 << 40} bytes; no file of MNIST has more"),
        ({"content-length": "-1"}, "claims -1 bytes"),
    ],
)
def test_what_leaves_https_or_is_far_too_large_is_not_downloaded(headers, said):
    assert all(mirror.startswith("https://") for mirror in MIRRORS)
    response = Response()
    response.url = f"{MIRRORS[0]}first.gz"
    response.headers.update(headers)
    if said is None:
        require_sound(response)
        return
    with pytest.raises(DataError, match=said):
        require_sound(response)


def test_a_file_that_is_far_too_large_is_an_error_and_leaves_nothing(server, tmp_path, monkeypatch):
    monkeypatch.setattr("jaxmlp.data.mirrors._MOST", 3)
    server.files = dict(PACKED)
    with pytest.raises(DataError, match="no file of MNIST has more than 3"):
        fetch(DIGESTS, tmp_path)
    assert not names(tmp_path)
