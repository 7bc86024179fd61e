"""What `--full` would add to a proof, and about how long that takes on this machine."""

from parity.report.proof import Candidate

WHOLE_RUN = 301  # steps
ENSEMBLE = 14 * 58  # steps' worth: nine members, float64 as long as four of them, to where they part on all of MNIST
COMPILING = 90  # seconds for the members and engines
ENGINES = 3  # more


def beyond(held: Candidate) -> str:
    """A sentence, from the time that one engine took."""
    seconds = held.pace.step * (WHOLE_RUN + ENSEMBLE) + ENGINES * held.pace.whole + COMPILING
    what = "every engine, the whole free run and the benign ensemble"
    return f"--full adds {what}: about {max(1, round(seconds / 60))} min here"
