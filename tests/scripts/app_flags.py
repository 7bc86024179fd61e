"""Flags, tf.app.run, gradients clipped by their global norm, MNIST files that are downloaded, and a file elsewhere."""

import os
import sys

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

flags = tf.app.flags
flags.DEFINE_float("learning_rate", 0.01, "Initial learning rate.")
flags.DEFINE_string("elsewhere", None, "A folder to write to.")
FLAGS = flags.FLAGS


def main(_):
    mnist = input_data.read_data_sets("MNIST_data", one_hot=True, validation_size=10)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 784])
        y = tf.placeholder(tf.float32, [None, 10])
        logits = tf.layers.dense(tf.layers.dense(x, 5, tf.nn.relu), 10)
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=y))
        variables = tf.trainable_variables()
        grads, _ = tf.clip_by_global_norm(tf.gradients(loss, variables), 0.01)
        train = tf.train.GradientDescentOptimizer(FLAGS.learning_rate).apply_gradients(zip(grads, variables))
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            for _ in range(7):
                images, labels = mnist.train.next_batch(16)
                sess.run(train, {x: images, y: labels})
    if FLAGS.elsewhere:
        os.makedirs(FLAGS.elsewhere)
    with open(os.path.expanduser("~/results.txt"), "w") as file:
        file.write("done")
    return 0


if __name__ == "__main__":
    tf.app.run(main=main, argv=sys.argv)
