"""The network that the module trains: tied to a placeholder's rate, no biases."""

import tensorflow as tf


def network(x):
    """Logits."""
    with tf.variable_scope("tower"):
        kernel = tf.get_variable("kernel", [6, 4], initializer=tf.contrib.layers.xavier_initializer(seed=1))
        out = tf.get_variable("out", [4, 1], initializer=tf.ones_initializer(), use_resource=True)
    return tf.matmul(tf.nn.relu6(tf.matmul(x, kernel)), out)
