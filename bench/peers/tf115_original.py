"""The original program from its first line to its last, in TensorFlow 1.15.5: what `jaxmlp.train` is timed against.

`python -m bench.peers.tf115_original FOLDER STEPS`, with FOLDER holding train_images.npy and so on. Python 3.7. The
graph, the order of its ops (from which TensorFlow derives the weights' seeds) and the printing are the original's.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow.compat.v1 as tf


def accuracy(predictions, labels):
    return 100.0 * np.sum(np.argmax(predictions, 1) == np.argmax(labels, 1)) / predictions.shape[0]


def reformat(folder, name):
    images = np.load(str(folder / (name + "_images.npy"))).reshape(-1, 784).astype(np.float32)
    return images, np.eye(10, dtype=np.float32)[np.load(str(folder / (name + "_labels.npy")))]


def main(folder, steps):
    tf.disable_eager_execution()
    train_images, train_labels = reformat(folder, "train")
    test_images, test_labels = reformat(folder, "test")
    print("Training set", train_images.shape, train_labels.shape)
    print("Test set", test_images.shape, test_labels.shape)

    tf.set_random_seed(0)
    seed_1, seed_2 = 21, 39  # what TensorFlow 1.15 derives for the original's ops, whatever stands before them here
    weights_1 = tf.Variable(tf.truncated_normal([784, 1024], seed=seed_1))
    biases_1 = tf.Variable(tf.zeros([1024]))
    weights_2 = tf.Variable(tf.truncated_normal([1024, 10], seed=seed_2))
    biases_2 = tf.Variable(tf.zeros([10]))

    def network(images):
        return tf.matmul(tf.nn.relu(tf.matmul(images, weights_1) + biases_1), weights_2) + biases_2

    train, test = tf.constant(train_images), tf.constant(test_images)
    logits = network(train)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.constant(train_labels), logits=logits))
    update = tf.train.GradientDescentOptimizer(0.0001).minimize(loss)
    train_predictions, test_predictions = tf.nn.softmax(logits), tf.nn.softmax(network(test))

    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in range(steps):
            _, loss_now, predictions = session.run([update, loss, train_predictions])
            if step % 100 == 0:
                print("Loss at step %d: %f" % (step, loss_now))  # noqa: UP031  (as the original has it)
                print("Training accuracy: %.1f%%" % accuracy(predictions, train_labels))  # noqa: UP031
                print("Test accuracy: %.1f%%" % accuracy(session.run(test_predictions), test_labels))  # noqa: UP031
        session.run(test_predictions)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
