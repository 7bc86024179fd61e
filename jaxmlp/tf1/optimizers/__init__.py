"""TensorFlow 1.x's optimizers, `tf.train.*Optimizer`, as optax transformations with TensorFlow's arithmetic.

Each makes an `optimizer.Optimizer`. Its hyperparameters, schedules too, are data in the state: one compiled step serves
all. `state.slots` has TensorFlow's slots by their names.
"""

from jaxmlp.tf1.optimizers.adagrad import adadelta, adagrad
from jaxmlp.tf1.optimizers.adam import adam
from jaxmlp.tf1.optimizers.descent import gradient_descent, momentum
from jaxmlp.tf1.optimizers.ftrl import ftrl
from jaxmlp.tf1.optimizers.optimizer import Optimizer, State
from jaxmlp.tf1.optimizers.proximal import adagrad_da, proximal_adagrad, proximal_gradient_descent
from jaxmlp.tf1.optimizers.rmsprop import rmsprop

__all__ = [
    "Optimizer",
    "State",
    "adadelta",
    "adagrad",
    "adagrad_da",
    "adam",
    "ftrl",
    "gradient_descent",
    "momentum",
    "proximal_adagrad",
    "proximal_gradient_descent",
    "rmsprop",
]
