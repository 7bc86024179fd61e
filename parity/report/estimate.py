"""What `--full` would add to a proof, and about how long that takes on this machine."""

from parity.report.proof import Candidate

WHOLE_RUN = 301  # steps
ENSEMBLE = 14 * 60  # steps' worth: nine members, float64 as long as four of them, to where they usually part
ENGINES = 3  # more
STEPS_OF_A_START = 3  # two steps and a backward pass


def beyond(held: Candidate, starts: int) -> str:
    """A sentence, from the time that one engine took for its free run and so many starts."""
    free = len(held.series["losses"])
    step = held.seconds / (free + STEPS_OF_A_START * starts)
    seconds = step * (WHOLE_RUN - free + ENSEMBLE) + ENGINES * held.seconds
    return f"--full adds every engine, the whole free run and the benign ensemble: {_roughly(seconds)} here"


def _roughly(seconds: float) -> str:
    return f"about {seconds / 60:.0f} min" if seconds >= 90 else f"about {max(1, round(seconds))} s"
