"""Options that commands share, each written once and nested flat; a method makes the part that a worker is handed.

What needs jax or numpy is imported when a part is made, so that `--help` answers at once.
"""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

from tyro.conf import arg

from jaxmlp.checks import require_count, require_data_name

if TYPE_CHECKING:
    import jax

    from jaxmlp.data import Dataset

Count = Annotated[int, arg(metavar="N")]
Seconds = Annotated[float, arg(metavar="SECONDS")]
File = Annotated[Optional[Path], arg(metavar="FILE")]  # a file to write or read, or none
Folder = Annotated[Optional[Path], arg(metavar="DIR")]
Seed = Annotated[int, arg(metavar="G", help="as tf.set_random_seed(G) at the top of the TensorFlow program")]
Hidden = Annotated[int, arg(metavar="N", help="hidden ReLU units")]


@dataclasses.dataclass(frozen=True)
class DataOptions:
    """Which images."""

    data: Annotated[str, arg(metavar="NAME")] = "auto"
    """auto (MNIST, else generated digits), mnist, tfds:NAME[/CONFIG], idx:DIR, csv:FILE, npz:FILE or generated[:N]"""
    data_dir: Folder = None
    """folder with the files of mnist, tfds:NAME, or idx: alone; also $JAXMLP_DATA_DIR"""

    def __post_init__(self):
        require_data_name(self.data)

    def load(self, seed: int = 0) -> "Dataset":
        """The data set; generated digits are drawn from `seed`. Raises DataError."""
        from jaxmlp.data import load

        return load(self.data, self.data_dir, seed)


@dataclasses.dataclass(frozen=True)
class ImagesOptions(DataOptions):
    """Which images, and how many."""

    images: Annotated[Optional[int], arg(metavar="N")] = None
    """only the first N training images"""

    def __post_init__(self):
        super().__post_init__()
        if self.images is not None:
            require_count("images", self.images)

    def load(self, seed: int = 0) -> "Dataset":
        """The data set, its training images cut. Raises DataError; ConfigError where there are not as many."""
        dataset = super().load(seed)
        return dataset if self.images is None else dataset.first(self.images)


@dataclasses.dataclass(frozen=True)
class DeviceOptions:
    """Where to compute."""

    device: Literal["auto", "cpu", "gpu", "tpu"] = "auto"
    """where to compute; never another than the one asked for"""

    def pick(self) -> "jax.Device":
        """The device. Raises DeviceError where it is not there."""
        from jaxmlp.device import pick

        return pick(self.device)


@dataclasses.dataclass(frozen=True)
class CacheOptions:
    """What is kept from run to run."""

    no_compilation_cache: bool = False
    """do not keep compiled programs in the user's cache folder from run to run"""

    def enable(self) -> None:
        """Turns the persistent compilation cache on, unless it was refused."""
        from jaxmlp import compilation

        if not self.no_compilation_cache:
            compilation.keep()
