"""What a file is, told by its first bytes: for those who meant to give another one."""

import re
from typing import NamedTuple

_FETCH = "fetch the file itself"


class Kind(NamedTuple):
    """Of a file, as a sentence has it: `It is` `an HTML page`: `fetch the file itself`."""

    is_a: str
    remedy: str
    text: bool = False  # in UTF-8, as a table may be


_SIGNATURES = (  # first bytes, told apart from the longest on
    (b"version https://git-lfs", Kind("a Git LFS pointer", "run git lfs pull to get the file it stands for")),
    (b"SIMPLE  =", Kind("a FITS file", _FETCH)),
    (b"\x89PNG\r\n", Kind("a PNG image", "give a file that holds all images")),
    (b"\x89HDF\r\n", Kind("an HDF5 file", "write its arrays with numpy.savez and use --data npz:FILE")),
    (b"MATLAB 5.0", Kind("a MATLAB file", "get the set in IDX format, or write its arrays with numpy.savez")),
    (b"\x93NUMPY", Kind("a single NumPy array", "write all four arrays with numpy.savez and use --data npz:FILE")),
    (b"\xfd7zXZ\0", Kind("an xz archive", "unpack it with unxz, or with tar xf where it is a .tar.xz")),
    (b"7z\xbc\xaf\x27\x1c", Kind("a 7z archive", "unpack it")),
    (b"GIF8", Kind("a GIF image", "give a file that holds all images")),
    (b"%PDF", Kind("a PDF document", _FETCH)),
    (b"Rar!", Kind("a RAR archive", "unpack it")),
    (b"PAR1", Kind("a Parquet file", "write its arrays with numpy.savez and use --data npz:FILE")),
    (b"ARROW1", Kind("an Arrow file", "write its arrays with numpy.savez and use --data npz:FILE")),
    (b"\x28\xb5\x2f\xfd", Kind("a zstd archive", "unpack it with unzstd")),
    (b"\x04\x22\x4d\x18", Kind("an lz4 archive", "unpack it with unlz4")),
    (b"PK\3\4", Kind("a zip archive", "unpack it")),
    (b"PK\5\6", Kind("an empty zip archive", "fetch it again")),
    (b"BZh", Kind("a bzip2 archive", "unpack it with bunzip2, or with tar xf where it is a .tar.bz2")),
    (b"\xff\xd8\xff", Kind("a JPEG image", "give a file that holds all images")),
    (b"\x1f\x8b", Kind("gzip", "unpack it once more with gunzip")),
    (b"\x1f\x9d", Kind("an archive of compress", "unpack it with uncompress")),
    (b"\xff\xfe", Kind("text in UTF-16", "save it as UTF-8")),
    (b"\xfe\xff", Kind("text in UTF-16", "save it as UTF-8")),
)
_IDX = re.compile(rb"\0\0[\x08-\x0e][\x01-\x04]", re.DOTALL)
_PICKLE = re.compile(rb"\x80[\x02-\x05]", re.DOTALL)
_CSV = re.compile(rb'["\w .+-]*(,["\w .+-]*){9}')
_PAGE = re.compile(rb"\s*<(!doctype html|html|head|body|h1|title)", re.IGNORECASE)


def kind(head: bytes) -> Kind | None:
    """What a file is that starts with `head`, 512 bytes where it has them; None where nothing tells."""
    if not head:
        return Kind("empty", "fetch it again")
    if head[257:262] == b"ustar":
        return Kind("a tar archive", "unpack it with tar xf")
    if head.startswith(b"PK\3\4") and b".npy" in head[:100]:
        return Kind("an npz file", "use --data npz:FILE")
    if found := next((found for start, found in _SIGNATURES if head.startswith(start)), None):
        return found
    if _IDX.match(head):
        what = {(8, 1): "labels", (8, 3): "images"}.get((head[2], head[3]), f"type 0x{head[2]:02x} and rank {head[3]}")
        return Kind(f"an IDX file of {what}", "are names swapped? A folder with all four files is --data idx:DIR")
    if _PICKLE.match(head):
        return Kind("a Python pickle, which is never read", "write its arrays with numpy.savez and use --data npz:FILE")
    if len(head) > 16 and not head.strip(b"\0"):
        return Kind("nothing but zeros, as after a download that broke off", "fetch it again")
    return _text(head)


def _text(head: bytes) -> Kind | None:
    head = head.removeprefix(b"\xef\xbb\xbf")
    if _PAGE.match(head):
        return Kind("an HTML page", f"{_FETCH}, not the page about it")
    if head.lstrip().startswith(b"<?xml"):
        return Kind("an XML document, often a server's error", f"read it, and {_FETCH}")
    if re.search(rb"[^\t\n\r\x1b -~\x80-\xff]", head):
        return None
    try:
        first = head.decode("utf-8", "strict" if len(head) < 500 else "ignore").strip().splitlines()
    except UnicodeDecodeError:
        return None
    if _CSV.match(head):
        return Kind("text, in commas", "for a table of pixels use --data csv:FILE", True)
    return Kind(f"text, beginning {first[0][:40]!r}" if first else "blank text", _FETCH, True)
