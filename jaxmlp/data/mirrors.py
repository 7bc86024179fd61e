"""The public servers that hold MNIST's four files, and how a file gets to disk from there: whole, or not at all."""

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from jaxmlp.data.idx import check
from jaxmlp.data.reachable import first_to_answer
from jaxmlp.errors import DataError, DataUnreachable

MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
_TIMEOUT = (3, 15)  # seconds to connect, and between two packets of a download that has begun
_MOST = 32 << 20  # bytes of a file, three times the largest
_REMEDY = "put the four files into a folder and name it by --data-dir or JAXMLP_DATA_DIR, or use --data generated"


def fetch(digests: Mapping[str, str], folder: Path) -> None:
    """Downloads the files NAME.gz, for each NAME with the SHA-256 of its unpacked bytes, into `folder`; whole, or not.

    Raises `DataUnreachable` if no server has one, `DataError` if it is damaged or the folder cannot be written.
    """
    first = first_to_answer([f"{mirror}{next(iter(digests))}.gz" for mirror in MIRRORS])
    if first is None:
        raise DataUnreachable(f"MNIST is not on this machine and no server that holds it answers: {_REMEDY}")
    mirrors = sorted(MIRRORS, key=lambda mirror: not first.startswith(mirror))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, digest in digests.items():
            _fetch_one(f"{name}.gz", digest, folder, mirrors)
    except OSError as error:
        raise DataError(f"{folder}: cannot be written: {error.strerror or error}") from None


def require_sound(response: Any) -> None:
    """Before a byte is kept. Raises `DataError` for a way on that leaves HTTPS, and for more than any file of MNIST."""
    onward = urljoin(response.url, response.headers.get("location", ""))
    if response.url.startswith("https:") and not onward.startswith("https:"):
        raise DataError(f"{response.url}: leads to {onward}, which is not HTTPS: {_REMEDY}")
    claimed = response.headers.get("content-length", "0")
    if not claimed.isdigit() or int(claimed) > _MOST:
        raise DataError(f"{response.url}: claims {claimed} bytes; no file of MNIST has more than {_MOST}: {_REMEDY}")


def _closed_unless_sound(response: Any, *_: Any, **__: Any) -> None:
    try:
        require_sound(response)
    except DataError:
        response.close()
        raise


def _fetch_one(file: str, digest: str, folder: Path, mirrors: Sequence[str]) -> None:
    """Tries one mirror after the other; of several failures the damaged file is reported before the silent server."""
    import pooch
    from requests import RequestException  # what pooch's downloader raises

    pooch.get_logger().setLevel(logging.WARNING)  # it would advise the user to pin a digest: ours are pinned

    def checked(url: str, output_file: str, caller: object) -> None:
        bar = sys.stderr.isatty()
        options = {"timeout": _TIMEOUT, "hooks": {"response": _closed_unless_sound}}
        pooch.HTTPDownloader(progressbar=bar, **options)(url, output_file, caller)  # type: ignore[arg-type]
        check(url, Path(output_file).read_bytes(), digest)

    failure: DataError | None = None
    for mirror in mirrors:
        try:
            # pooch hands `checked` a temporary name, and renames what it leaves there if it returns.
            pooch.retrieve(mirror + file, None, fname=file, path=folder, downloader=checked)  # type: ignore[arg-type]
            return
        except RequestException as error:
            failed = f"the download failed ({type(error).__name__})"
            failure = failure or DataUnreachable(f"{mirror}{file}: {failed}: {_REMEDY}")
        except DataError as error:
            failure = error
    raise failure or DataUnreachable(f"no server holds {file}: {_REMEDY}")
