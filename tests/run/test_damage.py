"""`pytest -m durability`: damaged checkpoints, folders that take nothing, and a clock that jumps."""

import os
import time

import faults
import numpy as np
import pytest
from durability import counted
from kept_runs import RICH, goes_on, stop, train

from jaxmlp.errors import DataError, OutputError
from jaxmlp.run import checkpoint, checkpoints
from jaxmlp.run.model_file import read_model

pytestmark = pytest.mark.durability
FLIPS = 200


def test_a_flipped_bit_anywhere_in_a_checkpoint_is_refused_or_harmless(tmp_path, capsys, rng):
    assert train(RICH, tmp_path / "run") == 0
    newest = checkpoints.files(tmp_path / "run")[0]
    right, content = checkpoint.read(newest), newest.read_bytes()
    model = read_model(newest)
    header = int.from_bytes(content[:8], "little") + 8
    offsets = [*rng.integers(header, size=FLIPS // 2), *rng.integers(len(content), size=FLIPS // 2)]
    refused = 0
    for at in offsets:
        flipped = bytearray(content)
        flipped[at] ^= 1 << int(rng.integers(8))
        newest.write_bytes(flipped)
        try:
            found = checkpoint.read(newest)
            assert found.facts == right.facts
            assert found.tensors.keys() == right.tensors.keys()
            for name, array in right.tensors.items():
                np.testing.assert_array_equal(found.tensors[name], array)
            assert read_model(newest)[0] == model[0]
        except DataError:
            refused += 1
            with pytest.raises(DataError):
                read_model(newest)
        counted("a flipped bit")
    assert refused > 0.9 * FLIPS


@pytest.mark.parametrize("length", [0, 1, 7, 8, 100, -1, -1000])
def test_a_truncated_checkpoint_is_passed_over(tmp_path, whole, capsys, length):
    assert stop(RICH, 2, out=tmp_path / "run") == stop(RICH, 2, resume=tmp_path / "run") == 130
    newest, _ = checkpoints.files(tmp_path / "run")
    newest.write_bytes(newest.read_bytes()[:length])
    goes_on(tmp_path / "run", whole)
    assert f"passed over: {newest}" in capsys.readouterr().err
    counted("a truncated checkpoint")


def test_a_read_only_folder_is_refused_and_left_as_it_was(tmp_path, whole, capsys):
    assert stop(RICH, 2, out=tmp_path / "run") == 130
    before = {file: file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file()}
    with faults.shim(tmp_path / "run", faults.read_only), pytest.raises(OutputError, match="Read-only file system"):
        train(RICH, resume=tmp_path / "run")
    assert {file: file.read_bytes() for file in (tmp_path / "run").rglob("*") if file.is_file()} == before
    goes_on(tmp_path / "run", whole)
    counted("a folder that takes nothing")


def test_a_clock_that_jumps_back_changes_nothing(tmp_path, whole, capsys, monkeypatch):
    now = iter(range(2_000_000_000, 0, -1000))
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: float(next(now)))
        assert stop(RICH, 2, out=tmp_path / "run") == stop(RICH, 2, resume=tmp_path / "run") == 130
        for age, file in enumerate(checkpoints.files(tmp_path / "run")):
            os.utime(file, (age * 1e6, age * 1e6))  # the newest looks oldest
        goes_on(tmp_path / "run", whole)
    counted("a clock that jumps back")
