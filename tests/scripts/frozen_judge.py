"""A maker, trained by a judge whose own variables stay as they are."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(2)
z = tf.placeholder(tf.float32, [None, 4], name="z")
y = tf.placeholder(tf.float32, [None, 1], name="y")
with tf.variable_scope("maker"):
    made = tf.nn.sigmoid(tf.layers.dense(tf.layers.dense(z, 9, tf.nn.relu, name="hidden"), 6, name="out"))
with tf.variable_scope("judge"):
    judged = tf.layers.dense(tf.layers.dense(made, 7, tf.nn.relu, name="hidden"), 1, name="out")
loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=judged, labels=y))
maker = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="maker")
train = tf.train.RMSPropOptimizer(1e-3).minimize(loss, var_list=maker)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(6):
        sess.run([train, loss], {z: rng.uniform(-1, 1, [11, 4]), y: np.ones([11, 1])})
