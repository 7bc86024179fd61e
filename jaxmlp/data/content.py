"""What a file holds, unpacked where it is gzip: by its first bytes, since names mislead; read only as far as asked."""

import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from jaxmlp.data.kinds import kind
from jaxmlp.errors import DataError

LARGEST = 600 << 20  # bytes; EMNIST's largest has 547 million: a forged header cannot fill the memory
_PIECE = 1 << 20  # bytes
HEAD = 512  # bytes at the start that tell what a file is
_GZIP = b"\x1f\x8b"


@contextlib.contextmanager
def opened(path: Path, wanted: str) -> Iterator[IO[bytes]]:
    """The content of what should be `wanted`, say "an IDX file".

    What goes wrong while it is read is a `DataError` that names the file.
    """
    with named(path):
        if path.exists() and not path.is_file():
            raise DataError(f"{path}: is a {'directory' if path.is_dir() else 'device'}, not {wanted}")
        with path.open("rb") as file, unpacked(file) as content:
            yield content


def unpacked(file: IO[bytes]) -> IO[bytes]:
    """The file itself, or what it is the gzip of: any number of members, then zeros or nothing."""
    zipped = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if zipped else file  # pyright: ignore[reportReturnType]


@contextlib.contextmanager
def named(name: Path | str) -> Iterator[None]:
    """Tells what reading a file raises in one line that names it."""
    try:
        yield
    except EOFError:
        raise DataError(f"{name}: truncated gzip: it breaks off; fetch it again") from None
    except gzip.BadGzipFile as error:
        if str(error).startswith("Not a gzipped file"):
            raise DataError(f"{name}: stray bytes follow the end of the gzip stream; fetch it again") from None
        raise DataError(f"{name}: damaged gzip ({error}); fetch it again") from None
    except zlib.error as error:
        raise DataError(f"{name}: damaged gzip ({error}); fetch it again") from None
    except (OSError, ValueError) as error:  # ValueError: a path that no system can have, with a zero byte, say
        raise DataError(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def pieces(content: IO[bytes], most: int) -> Iterator[bytes]:
    """So many bytes at most, where there are as many: no claim makes room before its bytes are there."""
    while most > 0 and (piece := content.read(min(most, _PIECE))):
        most -= len(piece)
        yield piece


def whole(name: Path | str, raw: bytes) -> bytes:
    """All of `raw`, unpacked if it is gzip. Raises `DataError`, naming `name`, where it is damaged or too much."""
    with named(name), unpacked(io.BytesIO(raw)) as content:
        held = content.read(LARGEST + 1)
    if len(held) > LARGEST:
        raise DataError(f"{name}: holds more than {LARGEST} bytes; no file of MNIST does")
    return held


def is_really(head: bytes, content: IO[bytes]) -> str:
    """` It is an HTML page: fetch the file itself`, where the first bytes of `content` tell; else nothing."""
    found = kind(head)
    if found is None:
        return ""
    within = " within gzip" if isinstance(content, gzip.GzipFile) else ""
    return f". It is {found.is_a}{within}: {found.remedy}"
