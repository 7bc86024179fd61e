"""Programs as a library: `fit` trains one, and the `Model` it gives classifies images. Serves `import jaxmlp`."""

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array

from jaxmlp import device as devices
from jaxmlp.data import checked
from jaxmlp.data.dataset import Dataset, Split
from jaxmlp.engine import Engine, evaluation, select
from jaxmlp.execution import Execution
from jaxmlp.model import Params
from jaxmlp.network import Network, hits
from jaxmlp.placement import place_for
from jaxmlp.program import Program
from jaxmlp.run.model_file import read_model, write_model
from jaxmlp.run.observers import Observer, drive
from jaxmlp.trainer import Run, probabilities

AUTO = Execution()  # all left to the device


class Evaluation(NamedTuple):
    """How well a model does on a split."""

    loss: float  # the mean of the program's, without a penalty
    accuracy: float  # percent


@dataclasses.dataclass(frozen=True, eq=False)
class Model:
    """A trained program. Images are integers [N, 784] or [N, 28, 28], 0 = blank … 255 = full ink; else DataError."""

    program: Program
    params: Params

    @property
    def classes(self) -> int:
        return self.params[-1].weights.shape[1]

    def predict(self, images: Any) -> np.ndarray:
        """The class of each image, int [N]: its largest probability, the first of several."""
        return self.probabilities(images).argmax(axis=1)

    def probabilities(self, images: Any) -> np.ndarray:
        """The softmax of the logits, float32 [N, C]."""
        rows = checked.rows("images", images)
        return jax.device_get(probabilities(**self._placed(Split(rows, np.zeros(len(rows), np.uint8)))))

    def evaluate(self, split: Split) -> Evaluation:
        """Loss and accuracy on images and their labels, uint8 [N] or other integers."""
        split = checked.checked_split("split", split, self.classes)
        losses, hits = jax.device_get(_judged(**self._placed(split)))
        return Evaluation(float(np.asarray(losses, np.float64).mean()), 100.0 * int(hits.sum()) / len(split.labels))

    def _placed(self, split: Split) -> dict[str, Any]:
        """As a run evaluates its test set, so that a model that was loaded predicts the same bits."""
        device = devices.pick("auto")
        engine = select(evaluation(AUTO), device, len(split.labels))
        params = jax.device_put(self.params, device)
        network = Network.of(self.program).evaluating()
        return {"params": params, "batch": engine.place(split, device), "engine": engine, "network": network}

    def save(self, path: str | Path) -> None:
        """One safetensors file, whole or not at all. Raises OutputError naming the path."""
        write_model(Path(path), self.program, self.params)

    @classmethod
    def load(cls, path: str | Path) -> "Model":
        """What `save` wrote, or the run's folder that `jaxmlp.train` wrote. Raises DataError naming the file."""
        return cls(*read_model(Path(path)))


def fit(
    program: Program,
    dataset: Dataset,
    execution: Execution = AUTO,
    device: str = "auto",
    observers: Sequence[Observer] = (),
) -> Model:
    """Trains `program` on the data set, on a device of the platform: auto, cpu, gpu or tpu.

    Raises DataError naming the array that is not what it must be, DeviceError where there is no such device, and
    DivergedError where the loss is not finite.
    """
    run = Run(program, place_for(program, execution, dataset, devices.pick(device)))
    drive(run, observers)
    return Model(program, jax.device_get(run.state.params))


@functools.partial(jax.jit, static_argnames=("engine", "network"))
def _judged(params: Params, batch: Any, *, engine: Engine, network: Network) -> tuple[Array, Array]:
    """Each image's loss, float32 [N], and whether it is classified right, bool [N]."""

    def of_rows(inputs: Array, rest: Params, labels: Array, _: Any) -> tuple[Array, Array]:
        logits = network.forward(inputs, rest).logits
        return network.losses(logits, labels), hits(logits, labels)

    return engine.map_rows(of_rows, params, batch)
