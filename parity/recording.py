"""Runs of genuine TensorFlow 1.15.5 kept in the repository, for machines where no TensorFlow can be had.

One compressed npz a seed (`record.py` writes them): full float bits of the whole free run; and of single steps the
loss, the count, small tensors whole and large ones as sketches (`sketch.py`). Weights of step t would take 3 MB, so the
recording defines its own: the seed's initial weights plus an 8-bit difference that leads close to the free run's. What
TensorFlow 1.15.5 computed from exactly those weights is what is recorded.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from jaxmlp import model
from jaxmlp.config import Config
from jaxmlp.data.dataset import Dataset
from parity.errors import CannotCompare
from parity.exact import Exact, exact_step
from parity.oracle import PROGRAM, Arrays
from parity.probe import PROBE, probe_weights
from parity.sketch import Sketch, Tensor, Whole
from parity.trace import (
    TENSORS,
    FreeRun,
    StepTrace,
    Trace,
    Update,
    data_digests,
    file_digest,
    step_name,
    weight_digests,
)

FOLDER = Path(__file__).with_name("recordings")
FORMAT = 1
RECORDED = ("hidden", "learning_rate", "weight_stddev", "seed")  # of Config: what a recording is valid for


def path(seed: int) -> Path:
    """Where the recording of a seed lies."""
    return FOLDER / f"seed{seed}.npz"


def trace(config: Config, dataset: Dataset, steps: list[int]) -> tuple[Trace, dict[int, Exact]]:
    """The recorded reference for `config.steps` free steps and for those of `steps` that were recorded, and the probe.

    Raises `CannotCompare`: no recording of this seed; one of another program, other data or another configuration.
    """
    header, arrays = read(path(config.seed))
    _require_current(header, config, dataset)
    recorded = [step for step in header["steps"] if step in steps or step == PROBE]
    if recorded == [PROBE]:
        raise CannotCompare(
            f"none of the steps {steps} was recorded for seed {config.seed}: there are {header['steps']}"
        )
    initial = {
        name: np.asarray(value) for name, value in model.init(config, len(dataset.class_names))._asdict().items()
    }
    traced = {step: _step(arrays, step, weights(arrays, step, initial)) for step in recorded}
    reference = Trace(
        side="reference",
        who=f"the recorded TensorFlow {header['tensorflow']}",
        provenance={
            "oracle": "recording",
            **{key: header[key] for key in ("tensorflow", "recorded", "cpu", "threads")},
        },
        digests={**data_digests(dataset), **header["initial"]},
        images=header["images"],
        free=_free(arrays, config.steps),
        steps=traced,
    )
    return reference, {step: exact_step(one.update.weights, dataset.train) for step, one in traced.items()}


def free_run(config: Config, dataset: Dataset) -> FreeRun:
    """The recorded free run of `config.steps`. Raises `CannotCompare` as `trace` does."""
    header, arrays = read(path(config.seed))
    _require_current(header, config, dataset)
    return _free(arrays, config.steps)


def read(file: Path) -> tuple[dict[str, Any], Arrays]:
    """Header and arrays. Raises `CannotCompare` where there is no such recording or it cannot be read."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as npz:
            arrays = {name: npz[name] for name in npz.files}
        return json.loads(arrays.pop("header").tobytes()), arrays
    except FileNotFoundError:
        seeds = sorted(found.stem.removeprefix("seed") for found in file.parent.glob("seed*.npz"))
        known = f"recorded are seeds {', '.join(seeds)}" if seeds else "nothing is recorded"
        raise CannotCompare(f"no TensorFlow, and no recording {file.name}: {known}") from None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CannotCompare(f"{file} is not a recording: {error}") from None


def write(file: Path, header: dict[str, Any], arrays: Arrays) -> None:
    """Whole or not at all."""
    part = file.with_suffix(".part")
    file.parent.mkdir(parents=True, exist_ok=True)
    with part.open("wb") as out:
        text = np.frombuffer(json.dumps(header, indent=1).encode(), np.uint8)
        np.savez_compressed(out, header=text, **arrays)  # pyright: ignore[reportArgumentType]
    part.replace(file)


def weights(arrays: Arrays, step: int, initial: Arrays) -> Arrays:
    """The weights both sides start a recorded step from, float32, to the bit on every machine."""
    if step == PROBE:
        return probe_weights(*initial["weights_2"].shape)
    if step == 0:
        return initial
    return {
        name: moved(initial[name], arrays[f"{step}/codes/{name}"], arrays[f"{step}/scale/{name}"]) for name in TENSORS
    }


def coded(initial: np.ndarray, there: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """The way from `initial` to `there` as int8 codes and a float32 scale for each index of the first axis."""
    way = there - initial
    per_row = np.abs(way).reshape(len(way), -1).max(axis=1)
    scale = (np.maximum(per_row, np.finfo(np.float32).tiny) / np.float32(levels)).astype(np.float32)
    return np.rint(way / _along(scale, way)).astype(np.int8), scale


def moved(initial: np.ndarray, codes: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """float32: initial + codes · scale, one rounding each: a product and a sum of float32, the same everywhere."""
    return initial + codes.astype(np.float32) * _along(scale, codes)


def _along(scale: np.ndarray, like: np.ndarray) -> np.ndarray:
    return scale.reshape(-1, *[1] * (like.ndim - 1))


def pack(name: str, tensor: Tensor) -> Arrays:
    """A tensor as arrays, for `unpack`."""
    if isinstance(tensor, Whole):
        return {name: tensor.array}
    return {
        f"{name}/sums": tensor.sums,
        f"{name}/rows": tensor.rows,
        f"{name}/values": tensor.values,
        f"{name}/shape": np.array(tensor.shape),
    }


def unpack(arrays: Arrays, name: str) -> Tensor:
    if name in arrays:
        return Whole(arrays[name])
    sums, rows, values, shape = (arrays[f"{name}/{part}"] for part in ("sums", "rows", "values", "shape"))
    return Sketch(sums, rows, values, tuple(shape.tolist()))


def _require_current(header: dict[str, Any], config: Config, dataset: Dataset) -> None:
    """A recording proves nothing about another program, other data or other hyperparameters."""
    if header["format"] != FORMAT:
        raise CannotCompare(f"the recording has format {header['format']}, not {FORMAT}: record it again")
    if header["program"] != file_digest(PROGRAM):
        raise CannotCompare("the recording is stale: it was made by another tf1_program.py; `python -m parity record`")
    for name in RECORDED:
        if header["config"][name] != getattr(config, name):
            asked = getattr(config, name)
            raise CannotCompare(
                f"the recording is of {name} {header['config'][name]}, and {name} {asked} was asked for"
            )
    for name, digest in data_digests(dataset).items():
        if header["data"][name] != digest:
            raise CannotCompare(f"the recording is of another data set ({header['source']}): its {name} are not these")


def _free(arrays: Arrays, steps: int) -> FreeRun:
    recorded = len(arrays["losses"])
    if steps > recorded:
        raise CannotCompare(f"{steps} free steps were asked for, {recorded} are recorded")
    tests = zip(arrays["test_steps"].tolist(), arrays["test_corrects"].tolist(), strict=True)
    return FreeRun(arrays["losses"], arrays["corrects"], dict(tests)).cut(steps)


def _step(arrays: Arrays, step: int, start: Arrays) -> StepTrace:
    def tensors(kind: str) -> dict[str, Tensor]:
        return {name: unpack(arrays, f"{step}/{kind}/{name}") for name in TENSORS}

    digests = weight_digests(start)
    recorded = arrays[f"{step}/start"].tobytes().decode()
    if recorded != "".join(digests.values()):
        raise CannotCompare(f"the weights of {step_name(step)} do not come out as recorded: the recording is damaged")
    return StepTrace(
        loss=arrays[f"{step}/loss"],
        correct=int(arrays[f"{step}/correct"]),
        logits=unpack(arrays, f"{step}/logits"),
        active=unpack(arrays, f"{step}/active"),
        update=Update(start, tensors("grads"), tensors("new")),
        backward=tensors("backward"),
    )
