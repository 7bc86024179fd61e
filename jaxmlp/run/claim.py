"""The write-up's eight configurations, its claim about them, and what came out here beside it."""

from collections.abc import Sequence

from jaxmlp.program import Dense, GradientDescent, Program
from jaxmlp.run.cells import MNIST, Cell
from jaxmlp.run.configurations import Configuration, configurations

CLAIM = "only this config achieved accuracy higher than 80 %"
CLAIMED = (1024, 0.0001)  # hidden units and learning rate
CLAIMED_ACCURACY = 80.0
CLAIMED_STEPS = 301  # "all for 300 epochs": steps 0 to 300


def finding(done: Sequence[Cell]) -> str:
    """The claim and what came out: a verdict, seed by seed, only where both are of the same program, data and steps."""
    found = configurations(done)
    above = [f"{one.told()} ({one.outcome()})" for one in found if (one.mean or 0.0) > CLAIMED_ACCURACY]
    verdict = _beside_the_claim(done) or _verdict(found)
    return (
        f"The write-up, of {CLAIMED[0]} hidden at {CLAIMED[1]:g}: “{CLAIM}”.\n"
        f"Here, {done[0].steps} steps on {done[0].data}: above {CLAIMED_ACCURACY:g} % "
        f"{'is' if len(above) == 1 else 'are'} {'; '.join(above) or 'none'}.\n{verdict}"
    )


def _verdict(found: Sequence[Configuration]) -> str:
    """Of every seed, whether the claimed configuration is above, and no other."""
    seeds = [cell.seed for cell in found[0].cells]
    holds = {seed: _above(found, seed) == [CLAIMED] for seed in seeds}
    if len(set(holds.values())) == 1:
        each = f", for each of the seeds {', '.join(map(str, seeds))}" if len(seeds) > 1 else ""
        return f"The claim {'holds' if holds[seeds[0]] else 'does not hold'}{each}."
    kept, broken = ([str(seed) for seed in seeds if holds[seed] is is_kept] for is_kept in (True, False))
    return f"The claim holds for seed {', '.join(kept)}, and not for {', '.join(broken)}."


def _above(found: Sequence[Configuration], seed: int) -> list[tuple[int, float]]:
    """Hidden units and rates of those above the claimed accuracy."""
    cells = [cell for one in found for cell in one.cells if cell.seed == seed]
    return [_size_and_rate(cell) for cell in cells if (cell.test_accuracy or 0.0) > CLAIMED_ACCURACY]


def _size_and_rate(cell: Cell) -> tuple[int, float]:
    return cell.program["layers"][0]["units"], cell.program["optimizer"]["learning_rate"]


def _beside_the_claim(done: Sequence[Cell]) -> str | None:
    """Why there is no verdict: what the claim is not about."""
    first, failed = done[0], sum(cell.failure is not None for cell in done)
    about = "No verdict: the write-up's claim is about"
    if any(cell.data_digest != MNIST for cell in done):
        return f"{about} MNIST, this was {first.data}."
    if first.steps != CLAIMED_STEPS:
        return f"{about} 300 epochs ({CLAIMED_STEPS} steps), these were {first.steps} steps."
    if any(cell.program_digest != _originals(cell) for cell in done):
        return f"{about} the original program, not this one."
    return f"No verdict: {failed} of {len(done)} runs failed." if failed else None


def _originals(cell: Cell) -> str:
    """The digest of the original program with this size, rate and seed."""
    hidden, rate = _size_and_rate(cell)
    return Program((Dense(hidden),), optimizer=GradientDescent(rate), seed=cell.seed).digest()
