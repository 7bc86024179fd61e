"""How a TF 1.15 graph seeds its random ops: after `tf.set_random_seed`, by the number of ops made before each.

Counted in genuine TensorFlow 1.15.5. An op of another kind between two draws moves the seeds of all that follow.
"""

from collections.abc import Sequence

REFORMAT = 9  # two placeholders, reshape, cast and one-hot: what the original makes of images and labels
DRAW_IN_VARIABLE = 3  # in a `tf.Variable(tf.truncated_normal(…))` the draw itself is the fourth op
VARIABLE = 9  # ops of that variable
SMALL_ZEROS = 1000  # elements from which on `tf.zeros` is three ops; below it is one
RELU = 3  # relu(matmul + b)


def of_perceptron(units: Sequence[int]) -> list[int]:
    """The op seed of each layer's weights, for the original's graph with layers of so many units, the last included."""
    seeds, ops = [], 2 * REFORMAT  # of the training and of the test set
    for width in units:
        seeds.append(ops + DRAW_IN_VARIABLE)
        ops += VARIABLE + (6 if width >= SMALL_ZEROS else 4) + RELU  # between the two, `tf.Variable(tf.zeros([width]))`
    return seeds
