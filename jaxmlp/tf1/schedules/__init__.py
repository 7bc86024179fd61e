"""TensorFlow 1.x's learning rates, `tf.train.*_decay`, as a default session computes them, and some of the textbooks'.

Each makes a `Schedule`: call it with the number of updates done. TensorFlow's `global_step` argument is that number.
`noisy_linear_cosine_decay` is not here: its noise comes from a random op of the graph.
"""

from jaxmlp.tf1.schedules.constant import piecewise_constant, step_decay
from jaxmlp.tf1.schedules.cosine import cosine_decay, cosine_decay_restarts, linear_cosine_decay
from jaxmlp.tf1.schedules.cyclical import exp_range, triangular, triangular2
from jaxmlp.tf1.schedules.decay import exponential_decay, inverse_time_decay, natural_exp_decay, polynomial_decay
from jaxmlp.tf1.schedules.schedule import Schedule

__all__ = [
    "Schedule",
    "cosine_decay",
    "cosine_decay_restarts",
    "exp_range",
    "exponential_decay",
    "inverse_time_decay",
    "linear_cosine_decay",
    "natural_exp_decay",
    "piecewise_constant",
    "polynomial_decay",
    "step_decay",
    "triangular",
    "triangular2",
]
