"""No test here touches the network or the user's caches; real MNIST is read only where a test asks for it."""

import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

_REAL = os.environ.get("JAXMLP_DATA_DIR")


@pytest.fixture(autouse=True)
def _nobody_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty caches, no environment variable, no mirror that answers, and time for one here on a busy machine."""
    for name in ("HOME", "XDG_CACHE_HOME", "KERAS_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.delenv("JAXMLP_DATA_DIR", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("jaxmlp.data.mirrors.MIRRORS", ("http://127.0.0.1:1/",))
    monkeypatch.setattr("jaxmlp.data.reachable.PATIENCE", 60)


@pytest.fixture
def real_mnist() -> Path:
    """The folder with the four real files."""
    if not _REAL:
        pytest.skip("set JAXMLP_DATA_DIR to the folder with the four MNIST files")
    return Path(_REAL)


class Server:
    """What a mirror says: `files` maps a path to bytes, to a status, or to None for an answer that never comes."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | int | None] = {}
        self.asked: list[str] = []
        self.cut = False  # close the connection after half of a file
        self.over = threading.Event()
        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_port}/"
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.over.set()
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                server.asked.append(f"{self.command} {self.path}")
                found = server.files.get(self.path[1:], 404)
                if found is None:
                    server.over.wait(60)
                    return
                content = found if isinstance(found, bytes) else b""
                self.send_response(200 if isinstance(found, bytes) else found)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(content[: len(content) // 2] if server.cut else content)

            do_GET = do_HEAD

            def log_message(self, *args: object) -> None:
                pass

        return Handler


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """One mirror on this machine, the only one there is."""
    mirror = Server()
    monkeypatch.setattr("jaxmlp.data.mirrors.MIRRORS", (mirror.url,))
    yield mirror
    mirror.close()


@pytest.fixture
def second(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Another one, next in line."""
    mirror = Server()
    monkeypatch.setattr("jaxmlp.data.mirrors.MIRRORS", (server.url, mirror.url))
    yield mirror
    mirror.close()
