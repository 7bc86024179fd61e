"""The public servers that hold MNIST's four files, and how a file gets to disk from there: whole, or not at all.

Serves `jaxmlp.data.mnist`. Whether any server answers is found out first, in `PATIENCE` seconds at most.
"""

import logging
import queue
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from jaxmlp.data.idx import check
from jaxmlp.errors import DataError, DataUnreachable

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
PATIENCE = 3.5  # seconds for the first answer: name look-up, connection and reply, of all servers at once
_TIMEOUT = (3, 15)  # seconds to connect, and between two packets of a download that has begun
_REMEDY = "put the four files into a folder and name it by --data-dir or JAXMLP_DATA_DIR, or use --data generated"


def fetch(digests: Mapping[str, str], folder: Path) -> None:
    """Downloads the files NAME.gz, for each NAME with the SHA-256 of its unpacked bytes, into `folder`.

    Each file appears under its name only when it is whole and its digest right. Raises `DataUnreachable` if no server
    has it, `DataError` if what the servers have is damaged or the folder cannot be written.
    """
    mirrors = _reachable(f"{next(iter(digests))}.gz")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, digest in digests.items():
            _fetch_one(f"{name}.gz", digest, folder, mirrors)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror or error}") from None


def _reachable(file: str) -> list[str]:
    """The mirrors, beginning with the first that says it has `file`."""
    from pooch import HTTPDownloader  # 0.2 s with requests, only for those who download

    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def ask(mirror: str) -> None:
        try:
            there = HTTPDownloader(timeout=PATIENCE)(mirror + file, None, None, check_only=True)
        except Exception:  # whatever went wrong: from here this server has no answer
            there = False
        answers.put(mirror if there else None)

    for mirror in MIRRORS:  # daemons, since nothing can interrupt a name look-up that hangs
        threading.Thread(target=ask, args=(mirror,), daemon=True).start()
    first = _first_answer(answers, len(MIRRORS))
    if first is None:
        raise DataUnreachable(f"MNIST is not on this machine and no server that holds it answers: {_REMEDY}")
    return sorted(MIRRORS, key=lambda mirror: mirror != first)


def _first_answer(answers: "queue.SimpleQueue[str | None]", expected: int) -> str | None:
    """The first answer that is a mirror; None when `expected` came without one, or `PATIENCE` is over."""
    from time import monotonic

    end = monotonic() + PATIENCE
    try:
        for _ in range(expected):
            if mirror := answers.get(timeout=max(0, end - monotonic())):
                return mirror
    except queue.Empty:
        pass
    return None


def _fetch_one(file: str, digest: str, folder: Path, mirrors: list[str]) -> None:
    """Tries one mirror after the other; damage is reported rather than a later mirror's silence."""
    import pooch
    from requests import RequestException  # what pooch's downloader raises

    pooch.get_logger().setLevel(logging.WARNING)  # it would advise the user to pin a digest: ours are pinned

    def checked(url: str, output_file: str, caller: object) -> None:
        bar = sys.stderr.isatty()
        pooch.HTTPDownloader(progressbar=bar, timeout=_TIMEOUT)(url, output_file, caller)  # type: ignore[arg-type]
        check(url, Path(output_file).read_bytes(), digest)

    failure: DataError | None = None
    for mirror in mirrors:
        try:
            pooch.retrieve(
                mirror + file, None, fname=file, path=folder, downloader=checked
            )  # renames when `checked` is
            return
        except RequestException as error:
            reason = type(error).__name__
            failure = failure or DataUnreachable(f"{mirror}{file}: the download failed ({reason}): {_REMEDY}")
        except DataError as error:
            failure = error
    assert failure is not None
    raise failure
