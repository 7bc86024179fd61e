"""A port is handed over only once it was proven: imported as its reader would, and held against the recording."""

import importlib.util
import io
import tempfile
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from jaxmlp.program import Program
from parity.compare.recorded import Proof, Recording, prove
from parity.compare.recorded.step import Step
from parity.errors import CannotCompare
from parity.subject.graph.graph import Graph
from parity.subject.port_writer import module
from parity.subject.port_writer.family import Family, family_of
from parity.subject.port_writer.module import Port
from parity.subject.port_writer.read import Read, read_of
from parity.subject.program_step import ProgramStep


class Rewritten(NamedTuple):
    """Of one program: its port and what was read, or why there is none."""

    number: int
    read: Read | None = None
    port: Port | None = None
    step: Step | None = None  # the port's, compiled already
    proof: Proof | None = None
    why: str = ""

    @property
    def verdict(self) -> str:
        """In a line."""
        if self.port is None or self.proof is None:
            return f"proven, not rewritten: {self.why}"
        return f"{len(self.port.text.splitlines())} lines, {self.proof.verdict}"


def rewritten(recording: Recording, number: int, folder: str, name: str) -> Rewritten:
    """Of a program whose own graph was proven. `folder`, `name`: where the port will be, for its docstring."""
    program = recording.programs[number]
    try:
        read = read_of(Graph.recorded(recording.graphs[program.graph]), program)
        port = module.written(recording, program, read, f"{folder} --step {name}:step{_number(recording, number)}")
        step = step_of(port)
        proof = prove(recording, step, program=number)
    except CannotCompare as error:
        return Rewritten(number, why=str(error))
    if not proof.proven:
        return Rewritten(number, read, why=f"what was written is {proof.verdict}")
    return Rewritten(number, read, port, step, proof)


class Configured(NamedTuple):
    """Of one program: the `Program` of jaxmlp's family that it is, or what hinders it."""

    number: int
    program: Program | None = None
    proof: Proof | None = None
    why: str = ""

    @property
    def verdict(self) -> str:
        """In a line."""
        return self.proof.verdict if self.program and self.proof else f"none: {self.why}"


def configured(recording: Recording, number: int, read: Read | None = None) -> Configured:
    """A program as one of the family, once jaxmlp's own steps were proven to be the recorded ones.

    `read`: what was read of its graph already.
    """
    try:
        family = family_of(read) if read else family_in(recording, number)
        proof = prove(recording, ProgramStep(family.program, family), program=number)
    except CannotCompare as error:
        return Configured(number, why=str(error))
    if not proof.proven:
        return Configured(number, why=f"jaxmlp's own steps are {proof.verdict}")
    return Configured(number, family.program, proof)


def family_in(recording: Recording, number: int | None = None) -> Family:
    """Raises `CannotCompare` with the feature that no `Program` has."""
    program = recording.program(number)
    return family_of(read_of(Graph.recorded(recording.graphs[program.graph]), program))


def file_name(recording: Recording, name: str, number: int) -> str:
    """Of a port or program.toml, without its ending."""
    return name if len(recording.programs) == 1 else f"{name}_{number}"


def _number(recording: Recording, number: int) -> str:
    return f" --number {number}" if len(recording.programs) > 1 else ""


def step_of(port: Port) -> Step:
    """Its function `step`, imported from a file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "port.py"
        file.write_text(port.text, encoding="utf-8")
        if port.arrays:
            file.with_suffix(".npz").write_bytes(arrays_bytes(port))
        return cast(Step, _module(file).step)


def arrays_bytes(port: Port) -> bytes:
    """What goes beside the file."""
    stream = io.BytesIO()
    np.savez_compressed(stream, **port.arrays)  # pyright: ignore[reportArgumentType]
    return stream.getvalue()


def _module(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location("port", file)
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found
