"""A TensorFlow 1.x perceptron with dropout masks that are handed in: one step from given weights.

Serves `test_seam.py`, in its process with TF 2.x or as a script in TensorFlow 1.15's: REQUEST.npz ANSWER.npz.
"""

import sys

import numpy as np
import tensorflow.compat.v1 as tf

RATE = 1e-6


def answer(arrays):
    """weights_1, …; images uint8 [N, P]; labels [N]; mask_1 float32 [N, units], …; logits_grad -> a step's tensors."""
    layers = sum(name.startswith("weights_") for name in arrays)
    names = [f"{kind}_{i}" for i in range(1, layers + 1) for kind in ("weights", "biases")]
    with tf.Graph().as_default(), tf.Session() as session:
        variables = {name: tf.Variable(arrays[name]) for name in names}
        fed, units = tf.cast(tf.constant(arrays["images"]), tf.float32), []
        for i in range(1, layers + 1):
            outputs = tf.matmul(fed, variables[f"weights_{i}"]) + variables[f"biases_{i}"]
            if i < layers:
                fed = tf.nn.relu(outputs) * tf.constant(arrays[f"mask_{i}"])
                units.append(tf.greater(fed, 0.0))
        one_hot = tf.one_hot(arrays["labels"], outputs.shape[1])
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=one_hot, logits=outputs))
        optimizer, some = tf.train.GradientDescentOptimizer(RATE), [variables[name] for name in names]
        grads = tf.gradients(loss, some)
        train = optimizer.apply_gradients(zip(grads, some))
        backward = tf.gradients(outputs, some, grad_ys=tf.constant(arrays["logits_grad"]))
        session.run(tf.global_variables_initializer())
        seen = session.run([loss, outputs, units, grads, backward])
        session.run(train)
        after = session.run(some)
    return named(arrays["labels"], names, after, *seen)


def named(labels, names, after, loss, logits, units, grads, backward):
    """By "role/name"."""
    got = {f"units/{i}": np.packbits(on, axis=1) for i, on in enumerate(units, 1)}
    for role, tensors in (("grads", grads), ("backward", backward), ("weights", after)):
        got.update((f"{role}/{name}", tensor) for name, tensor in zip(names, tensors))
    correct = np.array((logits.argmax(1) == labels).sum(), np.int64)
    return dict(got, **{"loss/loss": loss, "correct/correct": correct, "logits/logits": logits})


if __name__ == "__main__":
    with np.load(sys.argv[1]) as request:
        np.savez(sys.argv[2], **answer({name: request[name] for name in request.files}))
