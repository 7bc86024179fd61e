"""An answer's file, which is believed only where it holds what was asked for: every array by name, dtype and shape."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from parity.compare.npz import Damaged, members
from parity.compare.tensor import Named
from parity.compare.trace import SERIES, of_role
from parity.oracle.asked import Answers, Case, Question

LARGEST = 32 << 30  # bytes of one answer's arrays
FLOAT, COUNT = np.dtype(np.float32), np.dtype(np.int64)
OF_WEIGHTS = ("weights", "grads", "backward", "clipped")  # roles whose arrays have the weights' names and shapes
Kind = tuple[np.dtype, tuple[int, ...]]


def read(file: Path, case: Case, questions: Sequence[Question]) -> Answers:
    """What `py37/serve.py` wrote. Raises `Damaged`, saying what is not as it was asked for."""
    arrays = members(file, LARGEST)
    header = _header(arrays.pop("header", np.zeros(0, np.uint8)))
    if header["error"]:
        return Answers([], **header)
    told = [of_role(arrays, str(i)) for i in range(len(questions))]
    for question, named in zip(questions, told, strict=True):
        _require(case, question.ask, named)
    return Answers(told, **header)


def weights(case: Case) -> dict[str, tuple[int, ...]]:
    """The shape of each weight of the program, by name."""
    shapes: dict[str, tuple[int, ...]] = {}
    inputs = case.data["train_images"].shape[1]
    layers = [*case.program["layers"], {**case.program["output"], "units": case.classes}]
    for i, layer in enumerate(layers, 1):
        shapes[f"weights_{i}"] = (inputs, layer["units"])
        if layer.get("bias", {}) is not None:
            shapes[f"biases_{i}"] = (layer["units"],)
        inputs = layer["units"]
    return shapes


def _header(array: np.ndarray) -> dict[str, Any]:
    """Provenance and error, of which both may be relied on to be there."""
    try:
        told = json.loads(array.tobytes())
        provenance, error = told["provenance"], told["error"]
        needed = ("tensorflow",) if error else ("tensorflow", "graph_digest")
        if not isinstance(error, str) or not all(isinstance(provenance[name], str) for name in needed):
            raise TypeError("its provenance or error is no text")
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise Damaged(f"its header is none: {type(error).__name__}: {error}") from None
    return {"provenance": provenance, "error": error}


def _require(case: Case, ask: Mapping[str, Any], named: Named) -> None:
    """Raises `Damaged` for what is missing, is too much, or is of another dtype or shape."""
    where = f"its answer to {ask['ask']!r}"
    needed, allowed = _EXPECTED[ask["ask"]](case, ask, named)
    if missing := sorted(needed - named.keys()):
        raise Damaged(f"{where} lacks {missing[0]}")
    for name, array in named.items():
        right = allowed(name)
        if right is None:
            raise Damaged(f"{where} holds {name}, which was not asked for")
        if (array.dtype, array.shape) != right:
            raise Damaged(f"{where} has {name} as {array.dtype} {array.shape}; {right[0]} {right[1]} is right")


Expected = tuple[set[str], Callable[[str], Kind | None]]  # names that must be there; what a name must be


def _init(case: Case, ask: Mapping[str, Any], named: Named) -> Expected:
    return set(_named("weights", case)), _of_step(case, _images(case))


def _run(case: Case, ask: Mapping[str, Any], named: Named) -> Expected:
    steps, tests = ask["steps"], named.get("test_steps", np.zeros(0)).shape[:1]
    kinds = {"losses": (FLOAT, (steps,)), "corrects": (COUNT, (steps,))}
    kinds |= {"test_steps": (COUNT, tests), "test_corrects": (COUNT, tests)}
    kinds["test_predictions"] = FLOAT, (len(case.data["test_labels"]), case.classes)
    at = [f"{step}/{name}" for step in ask["weights_at"] for name in _named("weights", case)]
    at = [name for name in at if ask["first"] <= int(name.partition("/")[0]) < ask["first"] + steps]
    one = _of_step(case, _images(case))
    needed = {*SERIES, "test_predictions", *_named("weights", case), *at}
    return needed, lambda name: kinds.get(name) or one(name.partition("/")[2] if name in at else name)


def _step(case: Case, ask: Mapping[str, Any], named: Named) -> Expected:
    needed = {"loss/loss", "correct/correct", "logits/logits", *_named("grads", case), *_named("weights", case)}
    return needed, _of_step(case, _batch(case))


def _backward(case: Case, ask: Mapping[str, Any], named: Named) -> Expected:
    return set(_named("backward", case)), _of_step(case, _batch(case))


def _trace(case: Case, ask: Mapping[str, Any], named: Named) -> Expected:
    got = {"loss/loss", "correct/correct", "logits/logits", "logits_grad/logits"}
    got |= {name for role in ("grads", "backward", "weights") for name in _named(role, case)}
    start = {"rate/rate", "step/step", *_named("weights", case)}
    parts = [
        (f"{step}/{part}/", names) for step in range(ask["steps"]) for part, names in (("start", start), ("got", got))
    ]
    one, known = _of_step(case, _batch(case)), {part for part, _ in parts}

    def allowed(name: str) -> Kind | None:
        step, part, own = (*name.split("/", 2), "", "")[:3]
        return one(own) if f"{step}/{part}/" in known else None

    return {part + name for part, names in parts for name in names}, allowed


_EXPECTED = {"init": _init, "run": _run, "step": _step, "backward": _backward, "trace": _trace}


def _named(role: str, case: Case) -> Iterator[str]:
    return (f"{role}/{name}" for name in weights(case))


def _images(case: Case) -> int:
    return len(case.data["train_labels"])


def _batch(case: Case) -> int:
    """Images of a step."""
    batching = case.program.get("batching")
    return batching["size"] if batching else _images(case)


def _of_step(case: Case, images: int) -> Callable[[str], Kind | None]:
    """What a name of a step's must be; None for one that is none."""
    units = [case.data["train_images"].shape[1], *(layer["units"] for layer in case.program["layers"])]
    kinds: dict[str, Kind] = {
        f"{role}/{name}": (FLOAT, one) for role in OF_WEIGHTS for name, one in weights(case).items()
    }
    kinds |= dict.fromkeys(("loss/loss", "rate/rate"), (FLOAT, ()))
    kinds |= dict.fromkeys(("correct/correct", "test/correct", "step/step"), (COUNT, ()))
    kinds |= dict.fromkeys(("logits/logits", "logits_grad/logits"), (FLOAT, (images, case.classes)))
    kinds |= {f"units/{i}": (np.dtype(np.uint8), (images, -(-n // 8))) for i, n in enumerate(units) if i}
    kinds |= {f"masks/{i or 'input'}": (np.dtype(bool), (images, n)) for i, n in enumerate(units)}
    kinds["batch/rows"] = np.dtype(np.int32), (images,)

    def kind(name: str) -> Kind | None:
        role, _, rest = name.partition("/")
        if role == "slots":
            return kinds.get(f"weights/{rest.partition('/')[2]}")
        return (FLOAT, ()) if role == "scalars" else kinds.get(name)

    return kind
