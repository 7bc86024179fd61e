"""How far a free run drifts by honest rounding: benign variants run side by side, and the budget that this gives.

Every variant computes the same mathematics with other roundings. Where they part from each other by more than 1e-5, a
free run is no longer predictable by anyone, and T4 stops asserting.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from parity.compare.limits import Budget, relative_difference
from parity.compare.tensor import Named
from parity.compare.trace import tests
from parity.subject.subject import Measured, Subject, series

FLOOR = 2e-6  # relative difference of the losses that is always allowed: T1's, for a run is made of steps
SLACK = 3  # times the ensemble's running maximum
PREDICTABLE = 1e-5  # the horizon is the last step up to which the ensemble stays within this


def budget(base: Named, runs: Mapping[str, Named]) -> Budget:
    """The limits around the series `base`, from its benign variants' by name, all of one length."""
    losses = _running_maximum([relative_difference(base["losses"], run["losses"]) for run in runs.values()])
    corrects = _running_maximum([np.abs(run["corrects"] - base["corrects"]) for run in runs.values()])
    apart = {step: max(abs(tests(run)[step] - right) for run in runs.values()) for step, right in tests(base).items()}
    return Budget(
        horizon=int(np.argmax(np.append(losses, np.inf) > PREDICTABLE)) - 1,
        loss_limits=np.maximum(FLOOR, SLACK * losses),
        correct_limits=_allowed_images(corrects),
        test_limits={step: float(_allowed_images(np.array(images))) for step, images in apart.items()},
        spread=losses,
        variants=tuple(runs),
    )


def side_by_side(
    base: Subject, variants: Sequence[Subject], say: Callable[[str], None]
) -> tuple[Named, dict[str, Named]]:
    """The free runs of `base` and, by name, of its variants, side by side to their end or to the step they part at.

    `say` is told of every step.
    """
    subjects = [base, *variants]
    kept: list[list[Measured]] = [[] for _ in subjects]
    for step, together in enumerate(zip(*(one.free() for one in subjects), strict=True)):
        for run, measured in zip(kept, together, strict=True):
            run.append(measured)
        losses = np.array([measured.loss for measured in together])
        apart = float(relative_difference(losses[:1], losses[1:]).max())
        say(f"step {step}: {apart:.1e} apart")
        if apart > PREDICTABLE:
            break
    runs = [series(run) for run in kept]
    return runs[0], dict(zip((variant.name for variant in variants), runs[1:], strict=True))


def _running_maximum(differences: list[np.ndarray]) -> np.ndarray:
    return np.maximum.accumulate(np.max(differences, axis=0).astype(np.float64))


def _allowed_images(apart: np.ndarray) -> np.ndarray:
    """Three times what the ensemble differs by, at least three images: one in doubt must not decide."""
    return SLACK * np.maximum(apart, 1.0) + 0.5
