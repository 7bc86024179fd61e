"""Compiled programs on disk: a changed byte is never handed to JAX; what is whole is not compiled anew."""

import errno
import os
import subprocess
import sys

import jax
import pytest

from jaxmlp import compilation
from jaxmlp.errors import JaxmlpWarning
from jaxmlp.seals import SEAL, Seals

pytestmark = pytest.mark.durability_too("a compiled program that was changed")

# Twice: says how many programs were taken from the cache, and the sum that one of them computes.
PROGRAM = """
import warnings
warnings.simplefilter("error")
import jax, jax.numpy as jnp
from jaxmlp import compilation
compilation.keep()
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
hits = []
jax.monitoring.register_event_listener(lambda event, **_: hits.append(event) if event.endswith("/cache_hits") else None)
print(float(jax.jit(lambda x: (x @ x).sum())(jnp.eye(8))), len(hits))
"""


def entries(folder):
    return sorted(file for file in folder.iterdir() if file.name.endswith("-cache"))


@pytest.fixture
def folder(tmp_path, rng):
    """Three entries as JAX writes them, sealed as they came."""
    seals = Seals(tmp_path / "compiled")
    for i in range(3):
        (tmp_path / "compiled" / f"jit_step-{i}-cache").write_bytes(rng.bytes(int(rng.integers(1, 300))))
        seals.add()
    return tmp_path / "compiled"


def test_sealed_entries_stay(folder):
    before = {file: file.read_bytes() for file in folder.iterdir()}
    assert len(before) == 6
    Seals(folder).add()
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_a_flipped_bit_in_an_entry_or_its_seal_removes_both_and_no_other(folder, rng):
    for name in ("jit_step-1-cache", f"jit_step-1-cache{SEAL}"):
        before = {file: file.read_bytes() for file in folder.iterdir()}
        for _ in range(60):
            content = bytearray(before[folder / name])
            content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
            (folder / name).write_bytes(content)
            Seals(folder)
            assert len(list(folder.iterdir())) == 4
            for file, whole in before.items():
                file.write_bytes(whole)


def test_entries_that_are_swapped_cut_or_never_sealed_are_removed(folder):
    first, second, third = entries(folder)
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    third.write_bytes(third.read_bytes()[:-1])
    (folder / "jit_step-3-cache").write_bytes(b"of a process that was killed")
    Seals(folder)
    assert not list(folder.iterdir())


def test_what_another_process_has_removed_meanwhile_is_no_error(folder):
    seals = Seals(folder)
    (folder / "jit_step-4-cache").symlink_to(folder / "gone")
    seals.add()
    assert not (folder / f"jit_step-4-cache{SEAL}").exists()


def test_jax_finds_what_is_whole_and_writes_anew_what_is_not(tmp_path, rng):
    settings = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    settings.pop("JAX_COMPILATION_CACHE_DIR", None)

    def run():
        command = [sys.executable, "-c", PROGRAM]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
        assert not done.stderr
        total, hits = done.stdout.split()
        assert float(total) == 8
        return int(hits)

    folder = tmp_path / "jaxmlp/compiled"
    assert run() == 0
    written = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert len(entries(folder)) == len(written) / 2 > 0
    one = entries(folder)[0]
    content = bytearray(one.read_bytes())
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    one.write_bytes(content)
    assert run() == len(entries(folder)) - 1
    assert sorted(file.name for file in folder.iterdir()) == sorted(written)
    assert run() == len(entries(folder))


def test_a_folder_that_cannot_be_mended_is_not_used(folder, monkeypatch):
    def read_only(self, **_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))

    entries(folder)[0].write_bytes(b"")
    monkeypatch.setattr(compilation.platformdirs, "user_cache_path", lambda _: folder.parent)
    monkeypatch.setattr(type(folder), "unlink", read_only)
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    try:
        with pytest.warns(JaxmlpWarning, match=r"compiled programs are not kept: .*jit_step-0-cache: Read-only"):
            compilation.keep()
        assert jax.config.jax_compilation_cache_dir is None
    finally:
        jax.config.update("jax_compilation_cache_dir", before)
