"""The raw folder that the recorder leaves, as a `Recording`; oracle/py37/recorder/folder.py says what is in it."""

import json
import math
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from parity.compare.recorded.applied import Applied
from parity.compare.recorded.clips import Clipping, Pair, clipping_of
from parity.compare.recorded.recording import Graph, Program, Recording
from parity.compare.recorded.slices import whole_gradients
from parity.compare.tensor import Named
from parity.compare.trace import StepTrace, Trace, of_role, whole
from parity.errors import CannotCompare

FORMAT = 1
GIVEN = {"feed": "batch", "source": "batch", "draw": "draws", "number": "numbers"}  # roles of a start
GOT = {"gradient": "grads", "arriving": "arriving"}
APART = ("programs", "graphs", "format")


def of_folder(folder: Path) -> Recording:
    """Raises `CannotCompare` where there is no whole raw folder, or it trained nothing that was recorded."""
    told, arrays = _read(folder)
    graphs = [
        Graph(one["nodes"], _below(arrays, f"const|{i}|"), one.get("functions") or {})
        for i, one in enumerate(told["graphs"])
    ]
    chosen = [(i, one) for i, one in enumerate(told["programs"]) if one["steps"]]
    if not chosen:
        raise CannotCompare(f"{folder} has no recorded step: {_why(told)}")
    races = (told.get("reproduced") or {}).get("between_plain", ())  # "program|variable"
    programs = [_program(one, _below(arrays, f"{i}|"), graphs, _of(races, i)) for i, one in chosen]
    return Recording({key: value for key, value in told.items() if key not in APART}, programs, graphs)


def _read(folder: Path) -> tuple[dict[str, Any], Named]:
    try:
        told = json.loads((folder / "raw.json").read_text(encoding="utf-8"))
        with (folder / "raw.npz").open("rb") as file, np.load(file, allow_pickle=False) as npz:
            arrays = {name: npz[name] for name in npz.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CannotCompare(f"{folder} holds no raw recording: {' '.join(str(error).split())}") from None
    if told.get("format") != FORMAT:
        raise CannotCompare(f"{folder} has raw format {told.get('format')}, not {FORMAT}: record it again")
    return told, arrays


def _why(told: Mapping[str, Any]) -> str:
    runs = sum(one["runs"] for one in told["programs"])
    if told["failure"]:
        return f"the script failed by itself: {told['failure'].strip().splitlines()[-1]}"
    if runs:
        return f"its {runs} training runs end before the first of the chosen steps"
    return f"no run of the script trains ({told['status']})"


def _below(arrays: Named, head: str) -> Named:
    return {name.removeprefix(head): array for name, array in arrays.items() if name.startswith(head)}


def _of(names: Iterable[str], number: int) -> list[str]:
    return [name.partition("|")[2] for name in names if name.partition("|")[0] == str(number)]


def _program(fields: Mapping[str, Any], arrays: Named, graphs: list[Graph], races: list[str]) -> Program:
    updates = [Applied(**one) for one in fields["updates"]]
    steps = {int(step): _step(_below(arrays, f"{step}|"), updates) for step in fields["steps"]}
    logits = {name.split("|")[2] for name in arrays if "|logits|" in name}
    header = {"side": "reference", "who": "TensorFlow", "logits": min(logits) if len(logits) == 1 else None}
    header["irreproducible"] = races  # variables in which plain runs of the script differ
    graph = graphs[fields["graph"]]
    trace = Trace(header, {"losses": arrays["losses"]}, steps)
    return Program(fields, trace, fields["graph"], {}, _clipping(steps, graph))


def _step(arrays: Named, updates: Sequence[Applied]) -> StepTrace:
    moved = {one.variable for one in updates}
    arrays = whole_gradients(arrays, updates)
    start: Named = {}
    got: Named = {}
    losses: Named = {}
    for key, array in arrays.items():
        role, _, name = key.partition("|")
        place = "weights" if name in moved else "slots"
        if role in ("before", "after"):
            (start if role == "before" else got)[f"{place}/{name}"] = array
        elif role in GIVEN:
            start[f"{GIVEN[role]}/{name}"] = array
        elif role in GOT:
            got[f"{GOT[role]}/{name}"] = array
        elif role == "loss":
            losses[name] = array
        elif role == "logits":
            got[f"logits/{name}"] = array
    if losses:
        got["loss/loss"] = _summed(losses)
    return StepTrace(whole(start), whole(_one_logits(got)))


def _summed(losses: Named) -> np.ndarray:
    """tf.gradients differentiates the sum of all it is given."""
    if len(losses) == 1 and (only := next(iter(losses.values()))).size == 1:
        return only.reshape(())
    return np.asarray(math.fsum(value for one in losses.values() for value in one.reshape(-1).tolist()), np.float32)


def _one_logits(got: Named) -> Named:
    """Under the one name that a step returns them by; those of several losses are not to be told apart by it."""
    found = of_role(got, "logits")
    rest = {key: array for key, array in got.items() if not key.startswith("logits/")}
    return rest | ({"logits/logits": next(iter(found.values()))} if len(found) == 1 else {})


def _clipping(steps: Mapping[int, StepTrace], graph: Graph) -> Clipping | None:
    pairs: list[Pair] = []
    for one in steps.values():
        got = one.arrays("got")
        pairs.append((of_role(got, "grads"), of_role(got, "arriving")))
    return clipping_of(pairs, _scalars(graph.constants.values()))


def _scalars(constants: Iterable[np.ndarray]) -> Iterable[float]:
    return (float(one.item()) for one in constants if one.size == 1 and one.dtype.kind == "f")
