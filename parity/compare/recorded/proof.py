"""`load` a recording, `prove` a step against it: the verdict, tensor by tensor, and what is said where they differ."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from parity.compare import diagnosis
from parity.compare.recorded import file
from parity.compare.recorded.found import LEFT_OUT, NO_RULE, VAGUE, Found, Silent
from parity.compare.recorded.free import HINT, free_checks
from parity.compare.recorded.judge import is_finite, step_checks
from parity.compare.recorded.mistakes import recognised
from parity.compare.recorded.recording import Program, Recording
from parity.compare.recorded.step import Names, Step, taken
from parity.compare.recorded.updates import update_checks
from parity.compare.tiers import Check
from parity.compare.trace import StepTrace, Trace
from parity.errors import CannotCompare


class Different(AssertionError):
    """The two were compared, and they differ."""


class Proof(NamedTuple):
    """What became of one program's steps."""

    program: Program
    subject: Trace  # what the step made of the recorded starts
    found: Sequence[Found]
    hints: Sequence[str]  # what the differences usually come from, those that were tried and fit first
    own_rule: Sequence[Check]  # TensorFlow's own updates, by the rule that the step's are held to
    diverged: int | None  # the first step at which TensorFlow's numbers are not finite; none is compared from there on

    @property
    def checks(self) -> list[Check]:
        return [one for one in self.found if isinstance(one, Check)]

    @property
    def undetermined(self) -> list[Silent]:
        """Returned, and yet nothing can be said."""
        return [one for one in self.found if isinstance(one, Silent) and one.kind != LEFT_OUT]

    @property
    def not_compared(self) -> list[Silent]:
        """What the step did not return."""
        return [one for one in self.found if isinstance(one, Silent) and one.kind == LEFT_OUT]

    @property
    def first(self) -> Check | None:
        """The first divergence."""
        return diagnosis.first_divergence(self.checks)

    @property
    def different(self) -> bool:
        return self.first is not None

    @property
    def proven(self) -> bool:
        """Whether all checks passed, TensorFlow's own too, and there were some of every variable that is trained.

        But for those that rounding may move by as much as they are: nothing can be told of them. A gradient that is
        returned counts only if it was compared, at one step at least.
        """
        held = {one.tensor for one in self.checks if one.tier == "T3"} - self._never_compared
        vague = {one.tensor for one in self.undetermined if one.kind == VAGUE}
        right = not self.different and all(one.passed for one in self.own_rule)
        return right and bool(held) and set(self.program.moved) <= held | vague

    @property
    def _never_compared(self) -> set[str]:
        """Variables of which no step says whether the gradient is right, though it was returned."""
        unknown = {one.tensor for one in self.undetermined if one.tier == "T2" and one.kind == NO_RULE}
        return unknown - {one.tensor for one in self.checks if one.tier == "T2"}

    @property
    def verdict(self) -> str:
        """In a line."""
        steps = ", ".join(map(str, self.subject.steps))
        if (first := self.first) is not None:
            numbers = f"{first.measured:.3g} {first.unit}, {first.ratio:.3g} times its limit"
            return f"DIFFERENT: first at {first.place}: {numbers}"
        if broken := [one for one in self.own_rule if not one.passed]:
            return f"NOT proven: TensorFlow's own update does not follow the rule it is held to: {broken[0].place}"
        silent = [f"{len(self.undetermined)} not determined"] * bool(self.undetermined)
        silent += [f"{len(self.not_compared)} not compared"] * bool(self.not_compared)
        told = f"{len(self.checks)} checks at steps {steps}" + "".join(f"; {one}" for one in silent)
        return f"{'PROVEN' if self.proven else 'NOT proven, though nothing that was returned differs'}: {told}"

    def raise_if_different(self) -> "Proof":
        """Itself, unless the two differ: then raises `Different`, an AssertionError, with what is known of it."""
        if self.different:
            failed = [
                f"  {one.place}: {one.measured:.3g} {one.unit}, limit {one.limit:.3g}"
                for one in self.checks
                if not one.passed
            ]
            more = [f"  … and {len(failed) - 8} more"] if len(failed) > 8 else []
            raise Different("\n".join([self.verdict, *failed[:8], *more, *self.hints]))
        return self


def load(folder: str | Path) -> Recording:
    """The recording in an adopted folder, or a recording's file. Raises `CannotCompare`."""
    path = Path(folder).expanduser()
    path = path / file.NAME if path.is_dir() else path
    if not path.exists():
        raise CannotCompare(f"{path} is not there: python -m parity adopt SCRIPT makes it")
    return file.read(path)


def prove(
    recording: Recording,
    step: Step,
    names: Mapping[str, str] | None = None,
    transposed: Collection[str] = (),
    program: int | None = None,
    steps: Collection[int] | None = None,
) -> Proof:
    """Every recorded step from the recorded start, by `step`; see `step.py` for what that takes and returns.

    Where all pass, those that follow each other also run freely, each from what the one before returned (`free.py`).

    names: the step's own names by TensorFlow's; transposed: names, TensorFlow's, of tensors that the step keeps
    transposed; program: its number, where the script trains several; steps: those of the recorded ones that are
    compared. Raises `CannotCompare` where the step raises, or returns other names, shapes, dtypes, or NaN.
    """
    chosen = recording.program(program)
    called = Names(dict(names or {}), transposed)
    called.require_known(chosen)
    got, found, diverged = _stepped(chosen, _chosen(chosen, steps), step, called)
    checks = [one for one in found if isinstance(one, Check)]
    if not checks and not any(one.got for one in got.values()):
        raise CannotCompare("your step returned nothing: there is nothing to compare")
    running = list(free_checks(chosen, step, called)) if steps is None and all(one.passed for one in checks) else []
    subject = Trace({"side": "subject", "who": "your step"}, {}, got)
    hints = recognised(chosen, recording.graphs[chosen.graph], subject, checks)
    hints += [HINT] * any(isinstance(one, Check) and not one.passed for one in running)
    own = own_rule(chosen, [one for one in got if one != diverged])
    return Proof(chosen, subject, [*found, *running], hints, own, diverged)


def _stepped(
    program: Program, steps: list[int], step: Step, names: Names
) -> tuple[dict[int, StepTrace], list[Found], int | None]:
    """Each from its recorded start: what it got, what is found, and the first at which TensorFlow is not finite."""
    found: list[Found] = []
    got: dict[int, StepTrace] = {}
    for number in steps:
        one = program.trace.steps[number]
        got[number] = taken(number, one, step, names)
        if not is_finite(one):
            return got, [*found, _both_not_finite(number, got[number])], number
        found += step_checks(number, program, got[number])
    return got, found, None


def own_rule(program: Program, steps: Collection[int]) -> list[Check]:
    """T3 of TensorFlow by itself."""
    found = (one for step in steps for one in update_checks(step, program, program.trace.steps[step]))
    return [one for one in found if isinstance(one, Check)]


def tensors_bytes(proof: Proof) -> bytes:
    """Both sides' tensors of the first step that differs, as an npz."""
    step = proof.first.step if proof.first else None
    return diagnosis.tensors_bytes(step, proof.program.trace, proof.subject)


def _chosen(program: Program, steps: Collection[int] | None) -> list[int]:
    recorded = list(program.trace.steps)
    if steps is None:
        return recorded
    if strange := [step for step in steps if step not in recorded]:
        raise CannotCompare(f"step {strange[0]} was not recorded: there are {', '.join(map(str, recorded))}")
    return sorted(steps)


def _both_not_finite(number: int, got: StepTrace) -> Check:
    return Check("T1", "finite", number, float(is_finite(got)), 0, "sides finite")
