"""Batch normalization and dropout behind a fed switch: `tf.cond` draws in one branch only."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(19)
images, labels = rng.rand(36, 8), np.eye(3)[rng.randint(0, 3, 36)]

x = tf.placeholder(tf.float32, [None, 8], name="x")
y = tf.placeholder(tf.float32, [None, 3], name="y")
training = tf.placeholder_with_default(True, [], name="training")
hidden = tf.layers.dense(x, 12, use_bias=False)
hidden = tf.nn.relu(tf.layers.batch_normalization(hidden, training=training))
hidden = tf.layers.dropout(hidden, 0.4, training=training)
loss = tf.losses.softmax_cross_entropy(y, tf.layers.dense(hidden, 3))
with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
    train = tf.train.RMSPropOptimizer(0.01).minimize(loss)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(7):
        # the second run trains with the switch off
        _, value = sess.run([train, loss], {x: images, y: labels, training: step != 1})
    print("loss", sess.run(loss, {x: images, y: labels, training: False}))
