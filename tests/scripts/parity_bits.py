"""Whole numbers that are no bytes: the parity of six bits, learnt from all 64 of them by momentum."""

import numpy as np
import tensorflow as tf

bits = ((np.arange(64)[:, None] >> np.arange(6)) & 1).astype(np.float32)
odd = bits.sum(axis=1).astype(np.int64) % 2

tf.set_random_seed(5)
x = tf.placeholder(tf.float32, [None, 6])
y = tf.placeholder(tf.int64, [None])
hidden = tf.layers.dense(x, 16, tf.nn.tanh)
logits = tf.layers.dense(hidden, 2)
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for _ in range(8):
        cost, _ = sess.run([loss, train], {x: bits, y: odd})
    print("loss", cost)
