"""What is minimized, as TensorFlow ops: the mean loss of a batch, and the penalty on the weights."""

from __future__ import annotations

from typing import Any, Callable

import tensorflow.compat.v1 as tf

Loss = Callable[[dict, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]  # loss, labels, one_hot, logits


def data_loss(loss: dict[str, Any], labels: tf.Tensor, one_hot: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """labels uint8 [n], one_hot and logits float32 [n, C] -> a scalar."""
    return LOSSES[loss["kind"]](loss, labels, one_hot, logits)


def with_penalty(loss: tf.Tensor, l2: dict[str, Any] | None, names: list[str], variables: list) -> tf.Tensor:
    """The loss plus scale times the sum of `tf.nn.l2_loss`: of all weights, then, if asked, of all biases."""
    if l2 is None:
        return loss
    kinds = ["weights", "biases"] if l2["biases"] else ["weights"]
    named = list(zip(names, variables))
    chosen = [variable for kind in kinds for name, variable in named if name.startswith(kind)]
    return loss + l2["scale"] * tf.add_n([tf.nn.l2_loss(variable) for variable in chosen])


def _softmax(loss: dict, labels: tf.Tensor, one_hot: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=one_hot, logits=logits))


def _sparse(loss: dict, labels: tf.Tensor, one_hot: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    numbers = tf.cast(labels, tf.int64)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=numbers, logits=logits))


def _sigmoid(loss: dict, labels: tf.Tensor, one_hot: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=one_hot, logits=logits))


def _naive(loss: dict, labels: tf.Tensor, one_hot: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    p = tf.nn.softmax(logits)
    if loss["clip_value_min"] is not None:
        p = tf.clip_by_value(p, loss["clip_value_min"], 1.0)
    if loss["epsilon"]:
        p = p + loss["epsilon"]
    return tf.reduce_mean(-tf.reduce_sum(one_hot * tf.log(p), 1))


def _mean_squared(loss: dict, labels: tf.Tensor, one_hot: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return tf.losses.mean_squared_error(one_hot, _predictions(loss, logits))


def _absolute(loss: dict, labels: tf.Tensor, one_hot: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return tf.losses.absolute_difference(one_hot, _predictions(loss, logits))


def _huber(loss: dict, labels: tf.Tensor, one_hot: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return tf.losses.huber_loss(one_hot, _predictions(loss, logits), delta=loss["delta"])


def _hinge(loss: dict, labels: tf.Tensor, one_hot: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return tf.losses.hinge_loss(one_hot, logits)


def _log(loss: dict, labels: tf.Tensor, one_hot: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return tf.losses.log_loss(one_hot, _predictions(loss, logits), epsilon=loss["epsilon"])


def _predictions(loss: dict, logits: tf.Tensor) -> tf.Tensor:
    return {"logits": lambda x: x, "softmax": tf.nn.softmax, "sigmoid": tf.sigmoid}[loss["of"]](logits)


LOSSES: dict[str, Loss] = {
    "softmax_cross_entropy": _softmax,
    "sparse_softmax_cross_entropy": _sparse,
    "sigmoid_cross_entropy": _sigmoid,
    "naive_cross_entropy": _naive,
    "mean_squared_error": _mean_squared,
    "absolute_difference": _absolute,
    "huber": _huber,
    "hinge": _hinge,
    "log_loss": _log,
}
