"""One Adam that is applied twice in a run, as for two groups of variables: its powers race with its own updates."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(1)
x = tf.placeholder(tf.float32, [None, 6], name="x")
w = tf.Variable(rng.randn(6, 5).astype(np.float32), name="w")
shared = tf.Variable(rng.randn(5, 1).astype(np.float32), name="shared")
loss = tf.reduce_mean(tf.square(tf.matmul(tf.nn.tanh(tf.matmul(x, w)), shared) - 1))
adam = tf.train.AdamOptimizer(0.01)
own, common = adam.compute_gradients(loss, [w]), adam.compute_gradients(loss, [shared])
train = tf.group(adam.apply_gradients(own), adam.apply_gradients([(0.5 * grad, v) for grad, v in common]))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(6):
        sess.run([train, loss], {x: rng.rand(9, 6)})
