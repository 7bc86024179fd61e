"""Which images a proof is on: those named, all of MNIST, or, where that is not to be had, the digits of a recording."""

from collections.abc import Callable

from jaxmlp.data import Dataset, Split
from jaxmlp.data.dataset import DIGIT_NAMES
from jaxmlp.data.generated import generated_digits
from jaxmlp.data.mnist import load_mnist
from jaxmlp.errors import DataUnreachable
from jaxmlp.options import ImagesOptions
from jaxmlp.run.cells import is_mnist
from parity.oracle import recording
from parity.oracle.select import WAYS

DIGITS = 600  # in place of MNIST: on more, a proof takes longer and says no more


def load(images: ImagesOptions, seed: int, say: Callable[[str], None], digits: int = DIGITS) -> Dataset:
    """The data set, its training images cut; `digits` are drawn from `seed` in place of MNIST. `say` hears of that.

    Raises DataError; ConfigError where there are not as many images.
    """
    if images.data != "auto":
        return images.load(seed)
    try:
        dataset = load_mnist(images.data_dir)
    except DataUnreachable:
        dataset = instead(seed, digits)
        say(f"MNIST is not here: proving on {dataset.source}; {WAYS}")
    return dataset if images.images is None else dataset.first(images.images)


def instead(seed: int, digits: int = DIGITS) -> Dataset:
    """Generated digits in place of MNIST: those that TensorFlow was recorded on, to the bit, where there are any."""
    source, file = f"{digits} generated digits, seed {seed}", recording.path(seed, f"generated{digits}")
    kept = recording.data_of(file) if file.exists() else {}
    if not kept:
        return generated_digits(digits, seed)
    train, test = (Split(kept[f"{split}_images"], kept[f"{split}_labels"]) for split in ("train", "test"))
    return Dataset(train, test, DIGIT_NAMES, source)


def called(dataset: Dataset) -> str:
    """The data as a headline says it: "all of MNIST (60,000 images)", "600 generated digits, seed 0"."""
    if is_mnist(dataset):
        return f"all of MNIST ({len(dataset.train.labels):,} images)"
    return dataset.source.split(" from ")[0]
