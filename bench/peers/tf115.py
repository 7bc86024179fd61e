"""TensorFlow 1.15.5, the original program's graph, in its own interpreter (Python 3.7).

Kinder to TensorFlow than the original: the pixels are a float32 variable, not a constant to be folded and copied, and
only the loss and the count of correct images are fetched, not 60,000 softmax rows. Threads: all cores. Tried, on 6,000
images, with no difference beyond noise: the pixels as a constant, fed, or as bytes cast every step; reference
variables; fetching the softmax; fewer threads; `global_jit_level` ON_1.
"""

import tensorflow.compat.v1 as tf

from bench.peers.protocol import Problem, Run, serve


def start(problem: Problem) -> Run:
    tf.disable_eager_execution()
    if problem.device != "cpu" and not tf.test.is_gpu_available():
        raise RuntimeError("this TensorFlow sees no GPU")
    feeds = {}

    def variable(value, trainable=False):
        initial = tf.placeholder(value.dtype, value.shape)
        feeds[initial] = value
        return tf.Variable(initial, trainable=trainable, use_resource=True)

    images, labels = variable(problem.images.astype("float32")), variable(problem.labels.astype("int64"))
    weights_1, biases_1 = variable(problem.weights_1, True), variable(problem.biases_1, True)
    weights_2, biases_2 = variable(problem.weights_2, True), variable(problem.biases_2, True)

    hidden = tf.nn.relu(tf.matmul(images, weights_1) + biases_1)
    logits = tf.matmul(hidden, weights_2) + biases_2
    one_hot = tf.one_hot(labels, len(problem.biases_2))
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=one_hot, logits=logits))
    correct = tf.reduce_sum(tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.int32))
    update = tf.train.GradientDescentOptimizer(problem.learning_rate).minimize(loss)

    session = tf.Session()
    session.run(tf.global_variables_initializer(), feeds)
    return lambda steps: [session.run([loss, correct, update])[:2] for _ in range(steps)]


if __name__ == "__main__":
    serve(start, "TensorFlow " + tf.__version__)
