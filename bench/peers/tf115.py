"""TensorFlow 1.15.5, the original program's graph, in its own interpreter (Python 3.7).

Kinder to TensorFlow than the original: the pixels are a float32 variable, not a constant to be folded and copied, and
only the loss and the count of correct images are fetched, not 60,000 softmax rows. Threads: all cores. Tried, on 6,000
images, with no difference beyond noise: the pixels as a constant, fed, or as bytes cast every step; reference
variables; fetching the softmax; fewer threads; `global_jit_level` ON_1.

Minibatches come as they did from `input_data`: scaled float32 rows of the host's array, by `feed_dict`.
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

    pixels, all_labels = problem.pixels(), problem.labels.astype("int64")
    if problem.rows is None:
        images, labels = variable(pixels), variable(all_labels)
    else:
        images, labels = tf.placeholder(tf.float32, [None, pixels.shape[1]]), tf.placeholder(tf.int64, [None])
    logits = images
    for number, (weights, biases) in enumerate(problem.layers):
        inputs = tf.nn.relu(logits) if number and problem.activation == "relu" else logits
        logits = tf.matmul(inputs, variable(weights, True)) + variable(biases, True)
    one_hot = tf.one_hot(labels, logits.shape[1])
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=one_hot, logits=logits))
    correct = tf.reduce_sum(tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.int32))
    optimizer = tf.train.GradientDescentOptimizer if problem.adam is None else tf.train.AdamOptimizer
    update = optimizer(problem.learning_rate, **(problem.adam or {})).minimize(loss)

    session, batches = tf.Session(), problem.batches()
    session.run(tf.global_variables_initializer(), feeds)

    def step():
        rows = next(batches)
        batch = None if rows is None else {images: pixels[rows], labels: all_labels[rows]}
        return session.run([loss, correct, update], batch)[:2]

    return lambda steps: [step() for _ in range(steps)]


if __name__ == "__main__":
    serve(start, "TensorFlow " + tf.__version__)
