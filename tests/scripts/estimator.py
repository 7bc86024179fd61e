"""An Estimator whose input comes from NumPy through a queue."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(11)
images, labels = rng.rand(64, 9).astype(np.float32), rng.randint(0, 3, 64)


def model_fn(features, labels, mode):
    hidden = tf.layers.dense(features["images"], 12, tf.nn.sigmoid)
    logits = tf.layers.dense(hidden, 3)
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions=tf.argmax(logits, 1))
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=labels))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss, global_step=tf.train.get_global_step())
    accuracy = tf.metrics.accuracy(labels, tf.argmax(logits, 1))
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train, eval_metric_ops={"accuracy": accuracy})


model = tf.estimator.Estimator(model_fn)
inputs = tf.estimator.inputs.numpy_input_fn({"images": images}, labels, batch_size=16, num_epochs=None, shuffle=False)
model.train(inputs, steps=6)
once = tf.estimator.inputs.numpy_input_fn({"images": images}, labels, batch_size=32, num_epochs=1, shuffle=False)
print(model.evaluate(once))
