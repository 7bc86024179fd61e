"""Small runs of the product's own session, in this process: what it compiles, the next run finds compiled."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import jax
import pytest

from jaxmlp.data import Dataset
from jaxmlp.data.generated import generated_digits
from jaxmlp.errors import ConfigError
from jaxmlp.execution import Execution
from jaxmlp.program import Adam, Batching, Dense, ExponentialDecay, Program
from jaxmlp.run import session, status
from jaxmlp.run.cadence import Cadence
from jaxmlp.run.console import Console
from jaxmlp.run.leftovers import strays
from jaxmlp.signals import Interrupt

FINAL = ("config.json", "ending.json", "metrics.jsonl", "model.safetensors", "test_predictions.npy")
DIGITS = generated_digits(60, 3)
# All that a state may hold: a schedule, two slots, the streams of two dropouts, an order with a generator.
RICH = Program(
    (Dense(6, keep_prob=0.5),),
    optimizer=Adam(ExponentialDecay(0.01, 7, 0.9)),
    input_keep_prob=0.9,
    batching=Batching(25, "next_batch"),
    steps=12,
    report_every=4,
    scale=255,
    seed=5,
)


def train(
    program: Program,
    out: Path | None = None,
    resume: Path | None = None,
    every: str = "1",
    keep: int = 2,
    dataset: Dataset = DIGITS,
    execution: Execution = Execution(),  # noqa: B008  (frozen)
) -> int:
    """A run as the command makes it, without its start. Returns its exit code."""
    console = Console(program.settled(len(dataset.train.labels)), dataset, quiet=True)
    asked = {"data": "generated:60", "data_dir": None, "program": program.as_dict()}
    keeping = session.Keeping(out, resume, Cadence.of(every), keep)
    return session.train(program, execution, dataset, jax.devices("cpu")[0], console, None, keeping, asked=asked)


class StopsAfter(Interrupt):
    """Ctrl-C, noticed when it is asked for after so many times."""

    def __init__(self, asks: int):
        super().__init__()
        self._asks = asks

    @property
    def asked(self) -> bool:
        self._asks -= 1
        return self._asks < 0


def stop(program: Program, asks: int, **how: Any) -> int:
    """`train` until Ctrl-C comes."""
    with mock.patch.object(session, "Interrupt", return_value=StopsAfter(asks)):
        return train(program, **how)


def final(folder: Path) -> Mapping[str, Any]:
    """What a finished run leaves, by name: its files' bytes, those of the last checkpoint and the best among them."""
    last = max(folder.glob("checkpoints/step-*"))
    files = [*(folder / name for name in FINAL), last, folder / "checkpoints/best.safetensors"]
    return {file.name: file.read_bytes() for file in files if file.exists()}


def goes_on(folder: Path, whole: dict[str, bytes]) -> None:
    """To the end and to the bit; what has no config.json has done nothing, and is begun anew."""
    if not (folder / "config.json").exists():
        assert not (folder / "metrics.jsonl").exists()
        with pytest.raises(ConfigError, match=r"there is no run with a config\.json"):
            status.to_resume(str(folder))
        return
    try:
        assert train(RICH, resume=folder) == 0
    except ConfigError as error:  # it was whole already
        if "are done already" not in str(error):
            raise
    differ = [name for name in {**whole, **final(folder)} if final(folder).get(name) != whole.get(name)]
    assert not differ, f"{folder} differs in {differ}"
    assert not [*strays(folder), *strays(folder / "checkpoints"), *folder.glob(".lock")]
