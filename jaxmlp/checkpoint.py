"""A run on disk: config.json, metrics.jsonl, model.safetensors, test_predictions.npy; each whole or not there."""

import io
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import safetensors.numpy

from jaxmlp.errors import OutputError
from jaxmlp.model import Params
from jaxmlp.trainer import Record


class RunFolder:
    """The folder one run writes to.

    A metrics line that cannot be written (a full disk, say) does not stop a run that may have taken minutes: the
    lines go on in memory, and `finish` tells.
    """

    def __init__(self, path: Path, config: dict[str, Any]):
        """Makes the folder, refusing one that holds something, and writes config.json.

        Raises:
          OutputError: the folder cannot be made or written, or is not empty.
        """
        self.path = path
        self.config = config
        self._failure: OSError | None = None
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(path.iterdir()):
                raise OutputError(f"{path} is not empty: give another --out, so that no run is overwritten")
            write_whole(path / "config.json", _json_bytes(config))
            self._metrics: IO[str] = open(path / "metrics.jsonl", "x", encoding="utf-8")  # noqa: SIM115  (open for the run)
        except OSError as error:
            raise OutputError(_reason(path, error)) from None

    def append(self, record: Record) -> None:
        """One line of metrics.jsonl, on disk before the next step: test_accuracy only where it was evaluated."""
        line = {name: value for name, value in record._asdict().items() if value is not None}
        self._try(lambda: (self._metrics.write(json.dumps(line) + "\n"), self._metrics.flush()))

    def finish(self, params: Params, test_predictions: np.ndarray) -> None:
        """Writes the model and the predictions.

        Raises:
          OutputError: these or a metrics line could not be written; names the path.
        """
        self._try(lambda: write_whole(self.path / "model.safetensors", model_bytes(params, self.config)))
        self._try(lambda: write_whole(self.path / "test_predictions.npy", _npy_bytes(test_predictions)))
        self.close()

    def close(self) -> None:
        """Ends metrics.jsonl. Raises OutputError when anything before could not be written."""
        self._try(self._metrics.close)
        if self._failure:
            raise OutputError(_reason(self.path, self._failure) + "; this run's files are incomplete")

    def _try(self, write: Callable[[], Any]) -> None:
        try:
            write()
        except OSError as error:
            self._failure = self._failure or error


def write_whole(path: Path, content: bytes) -> None:
    """Writes beside `path` and renames: a reader sees the old file or the new one, never a part. Raises OSError."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def model_bytes(params: Params, config: dict[str, Any]) -> bytes:
    """safetensors: weights_1 float32 [784, H], biases_1 [H], weights_2 [H, C], biases_2 [C]; config in the metadata."""
    tensors = {name: np.asarray(value) for name, value in params._asdict().items()}
    return safetensors.numpy.save(tensors, metadata={"config": json.dumps(config)})


def _json_bytes(value: Any) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()


def _npy_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _reason(path: Path, error: OSError) -> str:
    return f"{error.filename or path} cannot be written: {error.strerror or error}"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
