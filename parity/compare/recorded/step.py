"""Somebody's step function beside a recording: what it is given, by his names, and what it returns, by TensorFlow's.

    step(weights, slots, batch, draws) -> {"loss": …, "grads": {…}, "weights": {…}, "slots": {…}}

All dicts by name, of NumPy arrays; it may return those of JAX, PyTorch or NumPy, and besides "logits" and "arriving",
the gradients as they reach the optimizer. It may leave out what it likes: that is not compared.
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from parity.compare.recorded.recording import Program, starts
from parity.compare.tensor import Named, Whole
from parity.compare.trace import StepTrace, of_role
from parity.errors import CannotCompare

Step = Callable[..., Mapping[str, Any]]
SINGLE = ("loss", "logits")  # roles of one tensor; the others are dicts
ROLES = (*SINGLE, "grads", "arriving", "weights", "slots")


@dataclasses.dataclass(frozen=True)
class Names:
    """How somebody calls TensorFlow's tensors, and which of them he keeps transposed.

    `own`: his names by TensorFlow's; a slot "dense/kernel/Adam" follows "dense/kernel" unless it is named itself.
    `transposed`: TensorFlow's names; slots of a variable go along with it.
    """

    own: Mapping[str, str] = dataclasses.field(default_factory=dict)
    transposed: Collection[str] = ()

    def require_known(self, program: Program) -> None:
        """Raises `CannotCompare` for a name that no tensor of the program has, or one given to two."""
        one = next(iter(program.trace.steps.values()))
        known = {key.partition("/")[2] for key in one.start}
        for what, names in (("names", self.own), ("transposed", self.transposed)):
            if strange := [name for name in names if name not in known]:
                raise CannotCompare(f"{what} has {strange[0]!r}, which the recording has not: {_listed(known)}")
        for role, tensors in starts(one).items():
            named = [self.to(name) for name in tensors]
            if twice := [name for name in named if named.count(name) > 1]:
                raise CannotCompare(f"names calls two {role} {twice[0]!r}: each needs a name of its own")

    def to(self, name: str) -> str:
        """His name."""
        if name in self.own:
            return self.own[name]
        base = next((one for one in self.own if name.startswith(f"{one}/")), None)
        return self.own[base] + name.removeprefix(base) if base else name

    def turned(self, name: str, array: np.ndarray) -> np.ndarray:
        """Transposed where he keeps it so; either way."""
        bases = (name, *(one for one in self.transposed if name.startswith(f"{one}/")))
        return array.T if array.ndim == 2 and any(one in self.transposed for one in bases) else array


def taken(number: int, one: StepTrace, step: Step, names: Names) -> StepTrace:
    """What the step makes of a recorded start. Raises `CannotCompare`: what is wrong, and what would be right."""
    given = {
        role: {names.to(name): np.array(names.turned(name, array), order="C") for name, array in tensors.items()}
        for role, tensors in starts(one).items()
    }
    try:
        returned = step(**given)
    except Exception as error:
        told = " ".join(str(error).split())
        raise CannotCompare(f"step {number}: your step raised {type(error).__name__}: {told}") from error
    if not isinstance(returned, Mapping):
        kind = type(returned).__name__
        raise CannotCompare(f"step {number}: your step returned a {kind}; a dict of {', '.join(ROLES)} is needed")
    if strange := [role for role in returned if role not in ROLES]:
        raise CannotCompare(f"step {number}: your step returned {strange[0]!r}; it may return {', '.join(ROLES)}")
    got: Named = {}
    for role, told in returned.items():
        if told is not None:
            got |= _single(number, one, role, told) if role in SINGLE else _dict(number, one, role, told, names)
    return StepTrace(one.start, {key: Whole(array) for key, array in got.items()})


def _single(number: int, one: StepTrace, role: str, told: Any) -> Named:
    key = f"{role}/{role}"
    array = _array(number, role, told)
    if key in one.got:
        right = one.got[key].array
        array = array.reshape(()) if role == "loss" and array.size == 1 else array
        _require_same(number, role, array, right, loose=role == "loss")
    return {key: array}


def _dict(number: int, one: StepTrace, role: str, told: Any, names: Names) -> Named:
    if not isinstance(told, Mapping):
        raise CannotCompare(f"step {number}: {role} is a {type(told).__name__}; a dict by name is needed")
    place = "slots" if role == "slots" else "weights"
    known = {names.to(name): name for name in of_role(one.start, place)}
    if strange := [name for name in told if name not in known]:
        raise CannotCompare(f"step {number}: {role} has {strange[0]!r}; the recording has {_listed(known)}")
    got = {}
    for own, name in known.items():
        if own in told:
            called = f"{role} {own}"
            array = names.turned(name, _array(number, called, told[own]))
            _require_same(number, called, array, one.start[f"{place}/{name}"].array)
            got[f"{role}/{name}"] = array
    return got


def _array(number: int, called: str, told: Any) -> np.ndarray:
    """Of JAX, PyTorch or NumPy."""
    try:
        array = np.asarray(told.detach().cpu().numpy() if hasattr(told, "detach") else told)
    except Exception as error:
        told = " ".join(str(error).split())
        raise CannotCompare(f"step {number}: {called} cannot be made a NumPy array: {told}") from None
    if array.dtype.kind not in "biuf":
        raise CannotCompare(f"step {number}: {called} is {array.dtype}; numbers are needed")
    return array


def _require_same(number: int, called: str, array: np.ndarray, right: np.ndarray, loose: bool = False) -> None:
    """`loose`: of any floating dtype, as Python's float."""
    if array.shape != right.shape:
        turned = "; say transposed if that is what it is" if array.shape == right.shape[::-1] else ""
        raise CannotCompare(f"step {number}: {called} has shape {array.shape}, the recording {right.shape}{turned}")
    if array.dtype != right.dtype and not (loose and array.dtype.kind == "f"):
        raise CannotCompare(f"step {number}: {called} is {array.dtype}, the recording {right.dtype}")
    wrong = int(np.size(array) - np.isfinite(array).sum())
    if wrong and np.isfinite(right).all():
        raise CannotCompare(f"step {number}: {wrong} of the {array.size} values of {called} are not finite")


def _listed(names: Collection[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:8]) + (f" and {len(listed) - 8} more" if len(listed) > 8 else "")
