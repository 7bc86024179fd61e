"""`python -m parity`: holds the port against TensorFlow and says whether it is the same program."""

import itertools
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import jax
import numpy as np

from jaxmlp import machine
from jaxmlp.checks import require_matplotlib
from jaxmlp.data import Dataset
from jaxmlp.program import Program
from jaxmlp.progress import Progress, write
from jaxmlp.run.files import require_writable, write_whole
from parity.commands import images
from parity.commands.options import ProveOptions
from parity.compare import diagnosis
from parity.compare.comparable import require_comparable
from parity.compare.limits import Budget
from parity.compare.rules import rule_of
from parity.compare.tiers import compare, own_rule
from parity.compare.trace import cut
from parity.mutants.finding import read_findings
from parity.noise import kept, reference
from parity.noise.benign import DENSE, benign_variants
from parity.noise.ensemble import budget, side_by_side
from parity.noise.reference import Reference
from parity.oracle import recording, select
from parity.report import estimate, junit, page, plain, plot
from parity.report.proof import Candidate, Pace, Proof
from parity.report.text import table
from parity.subject.port import Port, candidates

Say = Callable[[str], None]


def prove(options: ProveOptions) -> int:
    """Returns 0 or 1; raises JaxmlpError or CannotCompare where the two cannot be compared."""
    written = [file for file in (options.json, options.junit, options.html, options.plot) if file]
    for file in (*written, options.out / "any.npz"):  # these, and what is to be read, before minutes of work
        require_writable(file)
    if options.plot:
        require_matplotlib("--plot")
    findings = read_findings(options.mutants) if options.mutants else []
    proof = run(options, lambda what: write(f"… {what}", sys.stderr))
    if options.json:
        write_whole(options.json, plain.to_json(proof).encode(), folders=True)
    if options.junit:
        write_whole(options.junit, junit.to_junit(proof).encode(), folders=True)
    if options.html:
        write_whole(options.html, page.render(proof, findings).encode(), folders=True)
    if options.plot:
        write_whole(options.plot, plot.curves(proof), folders=True)
    print(table(proof))  # last: whoever cannot read it has the files
    return 0 if proof.proven else 1


def run(options: ProveOptions, say: Say) -> Proof:
    """Makes the parts that the options name, and the whole comparison of them. `say` is told what is going on."""
    started, begun, device = time.perf_counter(), made(), options.device.pick()  # the code may be edited meanwhile
    dataset = images.load(options.images, options.seed, say)
    auto = options.oracle == "auto"
    there_is = auto and recording.there_is(reference.case(options.program(recorded=True), dataset))
    oracle = select.choose(options.oracle, options.threads, options.time_limit, there_is)
    program, steps = options.program(oracle is None), options.chosen_steps(oracle is None)
    if oracle is None:
        say(f"against the recording of genuine TensorFlow 1.15.5, on {images.called(dataset)}")
        expected = reference.recorded(program, dataset, steps)
    else:
        say(f"TensorFlow answers: {oracle.name}, {program.steps} steps and {len(steps) + 1} from given weights")
        expected = reference.live(oracle, program, dataset, steps)
    allowed = allowance(options, program, dataset, device)
    subjects = candidates(program, dataset, device, options.layout, options.precision)
    if not (options.full or options.layout or options.precision):
        subjects = itertools.islice(subjects, 1)
    held = hold(subjects, expected, allowed, options.out)
    return Proof(
        program=program.as_dict(),
        source=images.called(dataset),
        reference=expected.trace._replace(steps={}),
        own_rule=own_rule(expected.trace, rule_of(program.as_dict())),
        candidates=held,
        budget=allowed,
        seconds=time.perf_counter() - started,
        made=begun,
        beyond="" if options.full else estimate.beyond(held[0]),
    )


def allowance(options: ProveOptions, program: Program, dataset: Dataset, device: jax.Device) -> Budget | None:
    """What a free run is allowed: by the benign ensemble with --full, else by one that was kept, if any was."""
    case = reference.case(program, dataset)
    if not options.full:
        return kept.budget(case)
    base, variants = Port.of(program, dataset, device, DENSE), benign_variants(program, dataset, device, free=True)
    with Progress(program.steps, "step", "benign ensemble, at most") as progress:
        found = budget(*side_by_side(base, variants, lambda told: progress.update(note=told)))
    if options.keep_budget:
        kept.keep(case, found, made())
    return found


def made() -> dict[str, str]:
    """When, how and where: of this process's proof."""
    return {name: text for name, text in machine.made("parity").items() if text}


def hold(subjects: Iterable[Port], expected: Reference, allowed: Budget | None, out: Path) -> list[Candidate]:
    """Each subject against the reference. Where one diverges, both sides' tensors go to a file in `out`.

    The first runs to the end, for the curves; the others as far as anything is asserted, or one step.
    """
    held: list[Candidate] = []
    whole = len(expected.trace.series["losses"])
    asserted = min(whole, max(1, allowed.horizon + 1)) if allowed else 1
    for subject in subjects:
        started, length = time.perf_counter(), asserted if held else whole
        ticks: list[float] = []
        theirs = expected.trace._replace(series=cut(expected.trace.series, length))
        with Progress(length + len(theirs.steps), "step", f"jaxmlp {subject.name}") as progress:

            def tell(progress: Progress = progress, ticks: list[float] = ticks) -> None:
                ticks.append(time.perf_counter())
                progress.update()

            ours = expected.followed_by(subject, length, tell)
        require_comparable(theirs, ours)
        checks = compare(theirs, ours, expected.truths, rule_of(subject.program.as_dict()), allowed)
        if first := diagnosis.first_divergence(checks):
            file = out / f"{subject.name.replace(' ', '-')}.npz"
            write_whole(file, diagnosis.tensors_bytes(first.step, theirs, ours), folders=True)
        pace = Pace(time.perf_counter() - started, float(np.median(np.diff(ticks[:length], prepend=started))))
        held.append(Candidate(subject.name, subject.provenance, checks, ours.series, pace))
    return held
