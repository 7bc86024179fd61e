"""The TensorFlow 1.x graph of a program, op for op as a TF 1.15 program makes it.

In this order: placeholders of both sets; keep_probs that are fed; the scaled images; each layer's variables, product,
activation and dropout; loss and penalty; global step and rate; gradients, clipping, update; predictions of both sets.
`program` is a plain dict, see `fields.py`.
"""

from __future__ import annotations

import hashlib
from collections import namedtuple
from typing import Any

import tensorflow.compat.v1 as tf

from . import losses, optimizers
from .fields import complete, keep_probs
from .network import Tower, again, named, scaled
from .op_seeds import OpSeeds
from .schedules import TEXTBOOK

SET_OPS = 9  # of a set's placeholders and of what `_reformat` makes of them

Images = namedtuple("Images", "images labels x one_hot")
Learning = namedtuple("Learning", "loss grads logits_grad arriving made train")
Graph = namedtuple(
    "Graph",
    "train_images train_labels test_images "  # placeholders
    "keep_probs "  # {placeholder: the program's keep_prob}; 1.0 is fed to evaluate
    "rate "  # the placeholder of a textbook's rate, or None
    "weights new_values assigns "  # {name: variable}, {name: placeholder}, their ops
    "state "  # {"role/name": variable}: all that changes from step to step
    "seen "  # {"role/name": tensor}: what a step shows of itself
    "train predictions test_predictions "
    "handed backward "  # the placeholder of a derivative by the logits, and {name: the gradient it sends back}
    "digest",  # of the program, to TensorFlow
)


def build(program: dict[str, Any], pixels: int, classes: int) -> Graph:
    """The program's graph. Its ops come in the program's order, because TF 1.15 counts them to seed what is drawn."""
    program = complete(program)
    tf.set_random_seed(program["seed"])
    train, test = _reformat(pixels, classes), _reformat(pixels, classes)
    keeps, fed = keep_probs(program), {}
    if program["evaluation_draws"]:
        fed = {name: tf.placeholder(tf.float32) for name in keeps}
    tower = _tower(program, train.x, classes, {**keeps, **fed}, OpSeeds(2 * SET_OPS + len(fed)))
    learning = _learning(program, tower, train)
    predictions = tf.nn.softmax(tower.fed)
    if fed:  # the program evaluates by the graph that it trains with
        test, test_predictions = train, predictions
    else:
        test_predictions = tf.nn.softmax(again(tower.layers, scaled(test.x, program["scale"])))
    definition = tf.get_default_graph().as_graph_def()

    # Beyond the program: ways in, and looks at what it computes. Last, so as to shift no op's number.
    weights = dict(named(tower.layers))
    new_values = {name: tf.placeholder(tf.float32, variable.shape) for name, variable in weights.items()}
    seen, update = _seen(program, tower, learning)
    handed = tf.placeholder(tf.float32, [None, classes])
    return Graph(
        train_images=train.images,
        train_labels=train.labels,
        test_images=test.images,
        keep_probs={fed[name]: keeps[name] for name in fed},
        rate=learning.made.rate if _is_textbook(program) else None,
        weights=weights,
        new_values=new_values,
        assigns=[tf.assign(weights[name], value) for name, value in new_values.items()],
        state=optimizers.state(learning.made, list(weights.items())),
        seen=seen,
        train=update,
        predictions=predictions,
        test_predictions=test_predictions,
        handed=handed,
        backward=dict(zip(weights, tf.gradients(tower.fed, list(weights.values()), grad_ys=handed))),
        digest=hashlib.sha256(definition.SerializeToString(deterministic=True)).hexdigest(),
    )


def _reformat(pixels: int, classes: int) -> Images:
    """uint8 images [N, pixels], labels [N]; float32 images, unscaled, and one-hot labels: the original's nine ops."""
    images = tf.placeholder(tf.uint8, [None, pixels])
    x = tf.cast(tf.reshape(images, [-1, pixels]), tf.float32)
    labels = tf.placeholder(tf.uint8, [None])
    return Images(images, labels, x, tf.one_hot(labels, classes))


def _tower(program: dict[str, Any], x: tf.Tensor, classes: int, keeps: dict[str, Any], seeds: OpSeeds) -> Tower:
    tower = Tower(x, program["scale"], keeps, seeds)
    for layer in program["layers"]:
        tower.add(layer, layer["units"])
    tower.add(program["output"], classes)
    return tower


def _learning(program: dict[str, Any], tower: Tower, train: Images) -> Learning:
    """Loss, gradients and update. What `compute_gradients` finds on its way to the weights, it tells of the logits."""
    names, variables = map(list, zip(*named(tower.layers)))
    data_loss = losses.data_loss(program["loss"], train.labels, train.one_hot, tower.fed)
    loss = losses.with_penalty(data_loss, program["l2"], names, variables)
    made = optimizers.make(program["optimizer"])
    found = made.optimizer.compute_gradients(loss, [*variables, tower.fed])
    *grads, logits_grad = [grad for grad, _ in found]
    arriving = optimizers.clipped(grads, program["clipping"])
    train_op = made.optimizer.apply_gradients(list(zip(arriving, variables)), made.global_step)
    return Learning(loss, grads, logits_grad, arriving, made, train_op)


def _seen(program: dict[str, Any], tower: Tower, learning: Learning) -> tuple[dict[str, tf.Tensor], tf.Operation]:
    """What a step shows, and the update that it makes."""
    names, variables = zip(*named(tower.layers))
    seen = {"loss/loss": learning.loss, "logits/logits": tower.fed, "logits_grad/logits": learning.logits_grad}
    seen.update((f"units/{i}", tf.greater(z, 0.0)) for i, z in enumerate(tower.outputs[:-1], 1))
    seen.update((f"masks/{name}", mask) for name, mask in tower.masks.items())
    seen.update((f"grads/{name}", grad) for name, grad in zip(names, learning.grads))
    if program["clipping"]:
        seen.update((f"clipped/{name}", grad) for name, grad in zip(names, learning.arriving))
    if isinstance(learning.made.rate, tf.Tensor):
        seen["rate/rate"] = learning.made.rate
    if not program["l2"]:
        seen.update((f"backward/{name}", grad) for name, grad in zip(names, learning.grads))
        return seen, learning.train
    backward = tf.gradients(tower.fed, variables, grad_ys=learning.logits_grad)
    seen.update((f"backward/{name}", grad) for name, grad in zip(names, backward))
    # Nothing makes the update of a weight wait until its penalty, or these gradients, have been read off it.
    with tf.control_dependencies([learning.loss, *backward]):
        made = learning.made
        return seen, made.optimizer.apply_gradients(list(zip(learning.arriving, variables)), made.global_step)


def _is_textbook(program: dict[str, Any]) -> bool:
    rate = program["optimizer"]["learning_rate"]
    return isinstance(rate, dict) and rate["kind"] in TEXTBOOK
