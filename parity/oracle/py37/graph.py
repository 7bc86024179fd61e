"""The graph of the original TensorFlow 1.x program, op for op, with any number of hidden layers.

`program` is a plain dict: layers, each with units and the stddev of its kernel; output; optimizer; seed.
"""

from __future__ import annotations

import hashlib
from collections import namedtuple
from typing import Any, Tuple

import tensorflow.compat.v1 as tf

Layer = Tuple[tf.Variable, tf.Variable]  # weights and biases
SMALL_ZEROS = 1000  # tf.zeros: up to here (exclusively) one constant op, from here on shape, constant and fill

Graph = namedtuple(
    "Graph",
    "train_images train_labels test_images names variables new_values assigns logits loss predictions "
    "test_predictions grads train active logits_grad backward digest",
)


def build(program: dict[str, Any], pixels: int, classes: int) -> Graph:
    """The original's graph. Its ops come in the original's order, because TF 1.15 counts them to seed the weights."""
    tf.set_random_seed(program["seed"])
    train_images, train_labels, train_x, train_y = _reformat(pixels, classes)
    test_images, _, test_x, _ = _reformat(pixels, classes)
    layers, hidden, logits = _network(program, train_x, classes)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=train_y, logits=logits))
    optimizer = tf.train.GradientDescentOptimizer(program["optimizer"]["learning_rate"])
    variables = [variable for layer in layers for variable in layer]
    grads_and_variables = optimizer.compute_gradients(loss, variables)
    train = optimizer.apply_gradients(grads_and_variables)  # these two lines are what `minimize` is
    predictions = tf.nn.softmax(logits)
    test_predictions = tf.nn.softmax(_again(layers, test_x))
    digest = _digest(tf.get_default_graph())

    # Beyond the original: a way in for weights and the derivative by the logits, and a look at which units are active.
    # Last, so as to shift no op's number.
    new_values = [tf.placeholder(tf.float32, variable.shape) for variable in variables]
    assigns = [tf.assign(variable, value) for variable, value in zip(variables, new_values)]
    logits_grad = tf.placeholder(tf.float32, [None, classes])
    return Graph(
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        names=[f"{kind}_{i}" for i in range(1, len(layers) + 1) for kind in ("weights", "biases")],
        variables=variables,
        new_values=new_values,
        assigns=assigns,
        logits=logits,
        loss=loss,
        predictions=predictions,
        test_predictions=test_predictions,
        grads=[grad for grad, _ in grads_and_variables],
        train=train,
        active=[tf.greater(units, 0.0) for units in hidden],
        logits_grad=logits_grad,
        backward=tf.gradients(logits, variables, grad_ys=logits_grad),
        digest=digest,
    )


def _network(program: dict[str, Any], x: tf.Tensor, classes: int) -> tuple[list[Layer], list[tf.Tensor], tf.Tensor]:
    """[(weights, biases), …], the hidden layers' units, and the logits of images x."""
    widths = [layer["units"] for layer in program["layers"]] + [classes]
    kernels = [layer["kernel"] for layer in program["layers"]] + [program["output"]["kernel"]]
    layers, fed, outputs = [], [x], None
    for width, kernel, seed in zip(widths, kernels, _op_seeds(widths)):
        if outputs is not None:
            fed.append(tf.nn.relu(outputs))
        shape = [fed[-1].shape.as_list()[1], width]
        weights = tf.Variable(tf.truncated_normal(shape, stddev=kernel["stddev"], seed=seed))
        biases = tf.Variable(tf.zeros([width]))
        layers.append((weights, biases))
        outputs = tf.matmul(fed[-1], weights) + biases
    return layers, fed[1:], outputs


def _again(layers: list[Layer], x: tf.Tensor) -> tf.Tensor:
    """The logits of other images, by the same weights."""
    for weights, biases in layers[:-1]:
        x = tf.nn.relu(tf.matmul(x, weights) + biases)
    weights, biases = layers[-1]
    return tf.matmul(x, weights) + biases


def _reformat(pixels: int, classes: int) -> tuple[tf.Tensor, ...]:
    """uint8 images [N, pixels], labels [N] -> float32 images, unscaled, and one-hot labels: the original's nine ops."""
    images = tf.placeholder(tf.uint8, [None, pixels])
    flat = tf.cast(tf.reshape(images, [-1, pixels]), tf.float32)
    labels = tf.placeholder(tf.uint8, [None])
    return images, labels, flat, tf.one_hot(labels, classes)


def _op_seeds(widths: list[int]) -> list[int | None]:
    """TF 1.15 numbers the ops by itself; TF 2.x counts otherwise and is told what TF 1.15 would have found."""
    if tf.__version__.startswith("1."):
        return [None] * len(widths)
    seeds, ops = [], 18
    for width in widths:
        seeds.append(ops + 3)
        ops += 9 + (6 if width >= SMALL_ZEROS else 4) + 3
    return seeds


def _digest(graph: tf.Graph) -> str:
    """SHA-256 of the GraphDef so far: what the program is, to TensorFlow."""
    return hashlib.sha256(graph.as_graph_def().SerializeToString(deterministic=True)).hexdigest()
