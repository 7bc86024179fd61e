"""The benign ensemble's budget, kept beside the recordings: a proof of two minutes asserts T4 without running it.

What honest rounding does to a free run depends on the program, the data and the seed. Which machine rounds matters
little: the members already compute with other sums, engines and precisions. Still a report says where it was made.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxmlp.errors import DataError
from jaxmlp.run.files import read_json, write_whole
from parity.compare.limits import Budget
from parity.compare.trace import data_digests
from parity.oracle import recording
from parity.oracle.ask import Case

SERIES = ("loss_limits", "correct_limits", "spread")  # float64 [B] each


def path(case: Case) -> Path:
    """Where the budget of a program on its data lies: another of either gets another file."""
    everything = [case.digest, case.program["report_every"], data_digests(case.data)]
    return recording.FOLDER / f"budget-{hashlib.sha256(json.dumps(everything).encode()).hexdigest()[:16]}.json"


def keep(case: Case, budget: Budget, made: Mapping[str, str]) -> None:
    """Writes it. `made`: where, when and how. Raises OutputError naming the path."""
    numbers = {name: getattr(budget, name).tolist() for name in SERIES}
    counts = {"horizon": budget.horizon, "test_limits": budget.test_limits, "variants": budget.variants}
    of = {"program": dict(case.program), "data": case.source.split(" from ")[0], "made": dict(made)}
    write_whole(path(case), (json.dumps({**of, **counts, **numbers}, indent=1) + "\n").encode())


def budget(case: Case) -> Budget | None:
    """That of the program on its data, or None where none was kept. Raises DataError for a damaged file."""
    file = path(case)
    return read(file) if file.exists() else None


def read(file: Path) -> Budget:
    """What `keep` wrote. Raises DataError for a damaged file."""
    content = read_json(file)
    try:
        return _read(content)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(f"{file} is damaged ({error!r}): restore it, or remove it to prove without") from None


def _read(content: Any) -> Budget:
    made = f"{content['made']['date']}, {content['made']['processor']}"
    series = {name: np.array(content[name], np.float64) for name in SERIES}
    tests = {int(step): float(limit) for step, limit in content["test_limits"].items()}
    lengths, limits = {array.shape for array in series.values()}, [*series.values(), [*tests.values()]]
    horizon, variants = content["horizon"], content["variants"]
    if type(horizon) is not int or lengths != {(len(series["spread"]),)} or not 0 <= horizon < len(series["spread"]):
        raise ValueError("its series are not of one length, or its horizon is beyond them")
    if not all(np.all(np.asarray(one) >= 0) for one in limits):
        raise ValueError("a limit is no number from 0 up")
    if type(variants) is not list or not all(type(one) is str for one in variants):
        raise ValueError("its variants are no names")
    return Budget(horizon, **series, test_limits=tests, variants=tuple(variants), made=made)
