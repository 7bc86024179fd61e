"""What parity's tests run, and on how few images."""

from jaxmlp.data import Dataset, Split
from parity import port
from parity.tiers import Ground
from parity.trace import Trace

STEPS = [0, 2]


def first(dataset: Dataset, images: int, tests: int = 100) -> Dataset:
    """The first images of a data set."""
    train, test = (Split(*(a[:n] for a in s)) for s, n in ((dataset.train, images), (dataset.test, tests)))
    return dataset._replace(train=train, test=test)


def traced(one: port.Port, reference: Trace, ground: Ground, free_steps: int | None = None) -> Trace:
    """A port's trace from the reference's weights, with as long a free run as the reference's or of so many steps."""
    length = len(reference.free.losses) if free_steps is None else free_steps
    weights = {step: one_step.update.weights for step, one_step in reference.steps.items()}
    return one.trace(weights, {step: exact.logits_grad for step, exact in ground.exacts.items()}, length)
