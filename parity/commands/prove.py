"""`python -m parity`: holds every engine of the port against TensorFlow and says whether it is the same program."""

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import jax

from jaxmlp.data import Dataset
from jaxmlp.program import Program
from jaxmlp.run.files import read_json, write_whole
from parity.commands.options import ProveOptions
from parity.compare import diagnosis
from parity.compare.comparable import require_comparable
from parity.compare.limits import Budget
from parity.compare.rules import rule_of
from parity.compare.tiers import compare, own_rule
from parity.compare.trace import cut
from parity.noise import reference
from parity.noise.benign import DENSE, benign_variants
from parity.noise.ensemble import budget, side_by_side
from parity.noise.reference import Reference
from parity.oracle import select
from parity.report import junit, page, plain
from parity.report.proof import Candidate, Proof
from parity.report.text import table
from parity.subject.port import Port, candidates

Say = Callable[[str], None]


def prove(options: ProveOptions) -> int:
    """Returns 0 or 1; raises JaxmlpError or CannotCompare where the two cannot be compared."""
    mutants = read_json(options.mutants) if options.mutants else None  # before hours of work
    started = time.perf_counter()
    proof = run(options, lambda what: print(f"… {what}", file=sys.stderr, flush=True))
    proof = proof._replace(seconds=time.perf_counter() - started)
    print(table(proof))
    if options.json:
        write_whole(options.json, plain.to_json(proof).encode(), folders=True)
    if options.junit:
        write_whole(options.junit, junit.to_junit(proof).encode(), folders=True)
    if options.html:
        write_whole(options.html, page.render(proof, mutants).encode(), folders=True)
    return 0 if proof.proven else 1


def run(options: ProveOptions, say: Say) -> Proof:
    """Makes the parts that the options name, and the whole comparison of them. `say` is told what is going on."""
    device, program, dataset = options.device.pick(), options.program(), options.images.load(options.seed)
    oracle, steps = select.choose(options.oracle, options.threads, options.time_limit), sorted(set(options.steps))
    if oracle is None:
        say("TensorFlow 1.15.5, as recorded")
        expected = reference.recorded(program, dataset, steps)
    else:
        say(f"TensorFlow answers: {oracle.name}, {program.steps} steps and {len(steps) + 1} from given weights")
        expected = reference.live(oracle, program, dataset, steps)
    allowed = None if options.no_ensemble else allowance(program, dataset, device, say)
    subjects = candidates(program, dataset, device, options.layout, options.precision)
    return Proof(
        program=program.as_dict(),
        source=dataset.source,
        reference=expected.trace._replace(steps={}),
        own_rule=own_rule(expected.trace, rule_of(program.as_dict())),
        candidates=hold(subjects, expected, allowed, options.out, say),
        budget=allowed,
    )


def allowance(program: Program, dataset: Dataset, device: jax.Device, say: Say) -> Budget:
    """What the benign ensemble allows a free run."""
    base, variants = Port.of(program, dataset, device, DENSE), benign_variants(program, dataset, device, free=True)
    return budget(*side_by_side(base, variants, lambda step: say(f"benign ensemble, {step}")))


def hold(subjects: Iterable[Port], expected: Reference, allowed: Budget | None, out: Path, say: Say) -> list[Candidate]:
    """Each subject against the reference. Where one diverges, both sides' tensors go to a file in `out`.

    The first runs to the end, for the curves; the others as far as anything is asserted, or one step.
    """
    held: list[Candidate] = []
    whole = len(expected.trace.series["losses"])
    asserted = min(whole, max(1, allowed.horizon + 1)) if allowed else 1
    for subject in subjects:
        say(f"jaxmlp {subject.name}")
        length = asserted if held else whole
        theirs = expected.trace._replace(series=cut(expected.trace.series, length))
        ours = expected.followed_by(subject, length)
        require_comparable(theirs, ours)
        checks = compare(theirs, ours, expected.truths, rule_of(subject.program.as_dict()), allowed)
        if first := diagnosis.first_divergence(checks):
            file = out / f"{subject.name.replace(' ', '-')}.npz"
            write_whole(file, diagnosis.tensors_bytes(first.step, theirs, ours), folders=True)
        held.append(Candidate(subject.name, subject.provenance, checks, ours.series))
    return held
