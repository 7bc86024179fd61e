"""Which images each update is computed on, where it is not all of them. `minibatches` has the rows."""

import dataclasses
from typing import Literal, get_args

from jaxmlp.checks import is_whole, require, require_count
from jaxmlp.program.fields import require_types

# next_batch: `input_data`'s DataSet, shuffled from epoch to epoch; a batch may take the end of one and the start of the
# next. shuffled: a new permutation an epoch. in_order: the file's order. Both leave an incomplete last batch out.
# sequential: the slices of Udacity's course, from (step * size) mod (images - size) on.
Order = Literal["next_batch", "shuffled", "in_order", "sequential"]
ORDERS = get_args(Order)


@dataclasses.dataclass(frozen=True)
class Batching:
    """Minibatches of `size` images."""

    size: int
    order: Order = "next_batch"
    validation: int = 0  # the first so many training images are left out; `input_data` leaves out 5000

    def __post_init__(self):
        require_count("batch_size", self.size)
        require_types(self)
        require("validation", self.validation, is_whole(self.validation) and self.validation >= 0, "0 or above")

    def images(self, images: int) -> int:
        """Of so many training images, those that are trained on. Raises ConfigError where a batch is more."""
        left = images - self.validation
        require("validation", self.validation, left > 0, f"below {images}, the number of training images")
        most = left - 1 if self.order == "sequential" else left
        require("batch_size", self.size, self.size <= most, f"at most {most}, for {left} images are trained on")
        return left

    def steps_per_epoch(self, images: int) -> int:
        """Whole batches in an epoch. Raises ConfigError where a batch is more than an epoch."""
        return self.images(images) // self.size
