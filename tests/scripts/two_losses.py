"""Two players, each with a loss and an optimizer of its own, trained by one run: their gradients read what the other's
update writes, and nothing orders the two. Beside them a moving average that nothing orders either."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(8)


def player(x, name):
    with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
        return tf.layers.dense(tf.layers.dense(x, 9, tf.nn.tanh, name="hidden"), 1, name="out")


real = tf.placeholder(tf.float32, [None, 1])
made = player(tf.random_uniform([16, 4]), "maker")
of_made = player(made, "judge")
judged = tf.reduce_mean(tf.nn.softplus(of_made)) + tf.reduce_mean(tf.nn.softplus(-player(real, "judge")))
fooled = tf.reduce_mean(tf.nn.softplus(-of_made))
judging = tf.trainable_variables("judge")
train = [
    tf.train.AdamOptimizer(0.01).minimize(judged, var_list=judging),
    tf.train.RMSPropOptimizer(0.01).minimize(fooled, var_list=tf.trainable_variables("maker")),
    tf.train.ExponentialMovingAverage(0.9).apply(judging),
]

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for _ in range(7):
        sess.run([train, judged, fooled], {real: 2 + rng.randn(16, 1)})
