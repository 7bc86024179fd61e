"""Downloads are answered from a folder by base name; every other way to the network is refused and named.

`urlopen`, `urlretrieve`, `tf.keras.utils.get_file` and `input_data`'s own all end in one method of urllib's.
"""

from __future__ import annotations

import email.message
import gzip
import importlib
import importlib.util
import io
import os
import socket
import struct
import urllib.error
import urllib.parse
import urllib.request
import urllib.response
from typing import Any, BinaryIO

import numpy as np

IDX = {  # of mnist.npz's arrays
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}
PUBLISHED = {  # bytes of MNIST's files as published: scripts ask for just so many, and mirrors compress them anew
    "train-images-idx3-ubyte.gz": 9912422,
    "train-labels-idx1-ubyte.gz": 28881,
    "t10k-images-idx3-ubyte.gz": 1648877,
    "t10k-labels-idx1-ubyte.gz": 4542,
}
LOCAL = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "")


class Downloads:
    """`served` and `refused`, each once and in order: what raw.json tells."""

    def __init__(self, folder: str | None):
        self.folder = folder
        self.told: dict[str, list[str]] = {"served": [], "refused": []}

    def answer(self) -> None:
        """From now on."""
        self._answer_urllib()
        if importlib.util.find_spec("requests"):
            self._answer_requests()
        self._refuse_sockets()

    def _answer_urllib(self) -> None:
        real = urllib.request.OpenerDirector.open

        def open(opener: Any, url: Any, *rest: Any, **named: Any) -> Any:
            address = url if isinstance(url, str) else url.full_url
            if urllib.parse.urlsplit(address).scheme in ("file", "data"):
                return real(opener, url, *rest, **named)
            content = self._content(address)
            if content is None:
                raise urllib.error.URLError(self._refusal(address))
            return urllib.response.addinfourl(content, _headers(content), address, 200)

        setattr(urllib.request.OpenerDirector, "open", open)  # noqa: B010

    def _answer_requests(self) -> None:
        requests = importlib.import_module("requests")

        def send(adapter: Any, request: Any, **named: Any) -> Any:
            content = self._content(request.url)
            if content is None:
                raise requests.exceptions.ConnectionError(self._refusal(request.url))
            response = requests.models.Response()
            response.status_code, response.url, response.request = 200, request.url, request
            response.headers.update(_headers(content).items())
            response.raw = content
            return response

        requests.adapters.HTTPAdapter.send = send

    def _refuse_sockets(self) -> None:
        """Whatever else asks for the network by Python."""
        connect, find = socket.socket.connect, socket.getaddrinfo

        def refusing_connect(made: Any, address: Any) -> Any:
            if made.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
                raise OSError(self._refusal("{}:{}".format(*tuple(address[:2]))))
            return connect(made, address)

        def refusing_find(host: Any, *rest: Any, **named: Any) -> Any:
            if host is not None and not _is_local(host):
                raise socket.gaierror(self._refusal(str(host)))
            return find(host, *rest, **named)

        socket.socket.connect = refusing_connect
        socket.getaddrinfo = refusing_find

    def _content(self, address: str) -> BinaryIO | None:
        name = os.path.basename(urllib.parse.urlsplit(address).path)
        content = self._file(name)
        if content is not None and name not in self.told["served"]:
            self.told["served"].append(name)
        return content

    def _file(self, name: str) -> BinaryIO | None:
        if self.folder is None or not name:
            return None
        path = os.path.join(self.folder, name)
        if os.path.isfile(path):
            return _padded(path, PUBLISHED.get(name, 0))
        if name == "mnist.npz" and all(os.path.isfile(os.path.join(self.folder, idx)) for idx in IDX.values()):
            return self._mnist_npz()
        return None

    def _mnist_npz(self) -> BinaryIO:
        """tf.keras's file of the same digits."""
        made = io.BytesIO()
        arrays: Any = {array: _idx(os.path.join(str(self.folder), name)) for array, name in IDX.items()}
        np.savez(made, **arrays)
        made.seek(0)
        return made

    def _refusal(self, address: str) -> str:
        if address not in self.told["refused"]:
            self.told["refused"].append(address)
        return "no network for a recorded script, and --data has no file of this name: " + address


def _padded(path: str, size: int) -> BinaryIO:
    """The file, with zeros behind it where it is a little smaller: gzip reads over them."""
    missing = size - os.path.getsize(path)
    if not 0 < missing < 4096:
        return open(path, "rb")
    with open(path, "rb") as file:
        return io.BytesIO(file.read() + bytes(missing))


def _headers(content: BinaryIO) -> email.message.Message:
    size = content.seek(0, os.SEEK_END)
    content.seek(0)
    headers = email.message.Message()
    headers["Content-Length"] = str(size)
    return headers


def _is_local(host: Any) -> bool:
    return (host.decode() if isinstance(host, bytes) else host) in (*LOCAL, socket.gethostname())


def _idx(path: str) -> np.ndarray:
    with gzip.open(path) as file:
        content = file.read()
    sides = struct.unpack(f">{content[3]}I", content[4 : 4 + 4 * content[3]])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(sides)
