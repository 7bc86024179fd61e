"""All that a run needs to go on, to the bit, in one safetensors file; never a pickle.

Weights have TensorFlow's names, as in a model's file: it can be loaded as one. What else a step hands to the next is
under state/, the order of the minibatches under batches/. The rest is JSON in the metadata, with a digest of it all.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import jax
import numpy as np
import safetensors.numpy

from jaxmlp import model
from jaxmlp.errors import ConfigError, DataError
from jaxmlp.execution import Execution
from jaxmlp.program import Program
from jaxmlp.program.fields import members
from jaxmlp.run.files import write_whole
from jaxmlp.run.lines import Prefix
from jaxmlp.run.tensor_file import Tensors, content, digest
from jaxmlp.trainer import Report, Run, State

FORMAT = 1
KEY = "checkpoint"  # of the metadata: one, for safetensors writes several in any order
_STATE, _BATCHES = "state/", "batches/"


class NewerFormat(DataError):
    """A whole checkpoint that a later version of this program wrote."""


class Best(NamedTuple):
    """The report with the best test accuracy so far, the first of several."""

    step: int
    test_accuracy: float  # percent


class Facts(NamedTuple):
    """What a checkpoint says beside its arrays."""

    program: Program  # settled
    execution: Execution  # settled
    data: str  # the data set's fingerprint, `cells.digest`
    last: Report  # of the last step that was done, as metrics.jsonl has it
    metrics: Prefix  # of metrics.jsonl, the lines before that step's
    best: Best | None

    @property
    def steps(self) -> int:
        """Steps done."""
        return self.last.step + 1


class Checkpoint(NamedTuple):
    """A run between two steps."""

    facts: Facts
    tensors: Tensors


def tensors_of(run: Run) -> dict[str, np.ndarray]:
    """Copies, for the next step overwrites what it is given."""
    order = run.order.saved() if run.order else {}
    named = {**_named(jax.device_get(run.state)), **{_BATCHES + name: array for name, array in order.items()}}
    return {name: np.array(array, order="C") for name, array in named.items()}


def restore(run: Run, checkpoint: Checkpoint) -> None:
    """The run goes on from the checkpoint, which `read` found whole. Raises DataError for arrays of another shape."""
    wanted, found = tensors_of(run), checkpoint.tensors
    for name in sorted(wanted.keys() | found.keys()):
        right, is_there = (f"{of[name].dtype} {of[name].shape}" if name in of else "none" for of in (wanted, found))
        if right != is_there:
            raise DataError(f"this checkpoint is of another run: {name} is {is_there}; {right} is right")
    params = model.from_named(found)
    leaves, tree = jax.tree.flatten(run.state._replace(params=()))
    names = [name for name in _named(run.state) if name.startswith(_STATE)]
    rest = tree.unflatten([_like(leaf, found[name]) for leaf, name in zip(leaves, names, strict=True)])
    order = {name.removeprefix(_BATCHES): array for name, array in found.items() if name.startswith(_BATCHES)}
    run.resume(rest._replace(params=params), order, checkpoint.facts.last.loss)


def write(path: Path, checkpoint: Checkpoint) -> None:
    """Whole or not at all. Raises OutputError naming the path."""
    write_whole(path, to_bytes(checkpoint))


def to_bytes(checkpoint: Checkpoint) -> bytes:
    """The file's content."""
    facts, tensors = _as_data(checkpoint.facts), dict(checkpoint.tensors)
    told = json.dumps({**facts, "digest": digest(facts, tensors)})
    return safetensors.numpy.save(tensors, metadata={KEY: told})


def read(path: Path) -> Checkpoint:
    """What `write` wrote. Raises DataError naming the file where a byte of it is another, NewerFormat."""
    metadata, tensors = content(path, "a checkpoint")
    return Checkpoint(_facts(path, metadata, tensors), tensors)


def as_model(path: Path, metadata: Mapping[str, str], tensors: Tensors) -> tuple[dict[str, str], dict[str, Any]]:
    """Metadata and arrays of the model that a checkpoint's are. Raises DataError as `read` does."""
    program = _facts(path, metadata, tensors).program
    return {"program": json.dumps(program.as_dict())}, {name: one for name, one in tensors.items() if "/" not in name}


def _named(state: State) -> dict[str, Any]:
    """Arrays by name, those under state/ in the order of their tree."""
    paths, _ = jax.tree_util.tree_flatten_with_path(state._replace(params=()))
    rest = {_STATE + jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in paths}
    return {**model.named(state.params), **rest}


def _like(leaf: Any, value: np.ndarray) -> Any:
    """A number that JAX holds for one of Python's stays one: with an array in its place the step is another."""
    return value.item() if getattr(leaf, "weak_type", False) else value


def _as_data(facts: Facts) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "program": facts.program.as_dict(),
        "program_digest": facts.program.digest(),
        "execution": vars(facts.execution),
        "data": facts.data,
        "last": facts.last._asdict(),
        "metrics": {"lines": facts.metrics.lines, "bytes": facts.metrics.bytes, "sha256": facts.metrics.sha256},
        "best": facts.best and facts.best._asdict(),
    }


def _facts(path: Path, metadata: Mapping[str, str], tensors: Tensors) -> Facts:
    """Raises DataError where the digest is another."""
    try:
        told = json.loads(metadata[KEY])
        if told.pop("digest") != digest(told, tensors):
            raise DataError(f"{path} is damaged: its content is not what its digest says")
        if told["format"] > FORMAT:
            newer = f"{path} is of format {told['format']}, this version reads up to {FORMAT}"
            raise NewerFormat(f"{newer}: go on with the version of jaxmlp that wrote it")
        program = Program.from_dict(told["program"])
        execution = Execution(**{"screening": "off", **told["execution"]})  # it was, before there was any
        best = told["best"] and _record(Best, told["best"])
        last, metrics = _record(Report, told["last"]), _record(Prefix, told["metrics"])
        return Facts(program, execution, str(told["data"]), last, metrics, best)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, ConfigError) as error:
        raise DataError(f"{path} is not a checkpoint: {type(error).__name__}: {error}") from None


def _record(kind: Any, fields: Mapping[str, Any]) -> Any:
    """The named tuple with these fields. Raises TypeError for one of another type."""
    for name, hint in get_type_hints(kind).items():
        if not isinstance(fields.get(name), members(hint)):
            raise TypeError(f"{name} = {fields.get(name)!r}")
    return kind(**fields)
