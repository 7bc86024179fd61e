"""No optimizer and no tf.gradients: the chain rule by hand, and each variable assigned its own new value."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(31)
images, labels = rng.rand(30, 6), np.eye(2)[rng.randint(0, 2, 30)]

a_0 = tf.placeholder(tf.float32, [None, 6])
y = tf.placeholder(tf.float32, [None, 2])
w_1 = tf.Variable(tf.truncated_normal([6, 5], seed=1))
b_1 = tf.Variable(tf.truncated_normal([1, 5], seed=2))
w_2 = tf.Variable(tf.truncated_normal([5, 2], seed=3))
b_2 = tf.Variable(tf.truncated_normal([1, 2], seed=4))
steps = tf.Variable(0.0)  # a counter that forgets to say trainable=False


def slope(z):
    return tf.multiply(tf.sigmoid(z), tf.subtract(1.0, tf.sigmoid(z)))


z_1 = tf.add(tf.matmul(a_0, w_1), b_1)
a_1 = tf.sigmoid(z_1)
z_2 = tf.add(tf.matmul(a_1, w_2), b_2)
d_z_2 = tf.multiply(tf.subtract(tf.sigmoid(z_2), y), slope(z_2))
d_z_1 = tf.multiply(tf.matmul(d_z_2, tf.transpose(w_2)), slope(z_1))
moves = [
    0.5 * tf.matmul(tf.transpose(a_0), d_z_1),
    0.5 * tf.reduce_mean(d_z_1, axis=[0]),
    0.5 * tf.matmul(tf.transpose(a_1), d_z_2),
    0.5 * tf.reduce_mean(d_z_2, axis=[0], keepdims=True),
]
with tf.control_dependencies(moves):  # all before the first variable changes
    train = [
        tf.assign(w_1, tf.subtract(w_1, moves[0])),
        tf.assign(b_1, tf.subtract(b_1, moves[1])),
        tf.assign(w_2, tf.subtract(w_2, moves[2])),
        tf.assign_sub(b_2, moves[3]),
        tf.assign_add(steps, 1.0),
    ]

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for i in range(7):
        sess.run(train, {a_0: images, y: labels})
