"""`python -m tests.fuzz --atheris`: inputs for one reader, guided by what they reach in our code. See `fuzz`.

A module of its own, for atheris has to be there before what it watches is imported, and ends the process.
"""

import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

import atheris  # pyright: ignore[reportMissingImports]

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "parity")]  # as pytest has it
with atheris.instrument_imports(include=["jaxmlp", "parity", "bench"]):
    from readers import READERS
import fuzz  # noqa: E402

LONGEST = 1 << 20  # bytes of an input


def main(name: str, inputs: int, seed: int) -> None:
    """Does not come back. 1 where there was a bug, see `fuzz.main`."""
    reader = next(one for one in READERS if one.name == name)
    folder = Path(tempfile.mkdtemp())
    seeds = [*reader.seeds(folder / "seeds"), *fuzz.kept(reader)]
    (folder / "corpus").mkdir()
    for i, content in enumerate(seeds):
        (folder / f"corpus/{i}").write_bytes(content)
    tries, chance = fuzz.Tries(reader, folder / "tried"), random.Random(f"{seed} {name}")

    def one(content: bytes) -> None:
        tries.one(content)
        if tries.count.total() >= inputs:
            tries.tell()
            shutil.rmtree(folder)
            os._exit(int(bool(tries.bugs)))

    def another(content: bytes, longest: int, _seed: int) -> bytes:
        """Half of them by libFuzzer, which knows what it has seen; half as `fuzz` has them, which knows JSON."""
        own = fuzz.mutated(chance, content) if chance.random() < 0.5 else atheris.Mutate(content, longest)
        return own[:longest]

    settings = [f"-seed={seed}", f"-max_len={LONGEST}", "-rss_limit_mb=0", "-verbosity=0", str(folder / "corpus")]
    atheris.Setup([sys.argv[0], *settings], one, custom_mutator=another)
    with fuzz.bounded():
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
