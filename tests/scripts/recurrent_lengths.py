"""Rows of digits read one after the other by an LSTM, sequences of different lengths; clipped by their norm."""

import numpy as np
import tensorflow as tf

STEPS, WIDTH, UNITS, CLASSES, BATCH = 4, 5, 6, 3, 16

tf.set_random_seed(23)
rng = np.random.RandomState(23)
x = tf.placeholder(tf.float32, [None, STEPS, WIDTH])
lengths = tf.placeholder(tf.int32, [None])
y = tf.placeholder(tf.int64, [None])
outputs, last = tf.nn.dynamic_rnn(tf.nn.rnn_cell.BasicLSTMCell(UNITS), x, lengths, dtype=tf.float32)
words = tf.map_fn(lambda row: tf.reduce_mean(row, 0), outputs)
logits = tf.layers.dense(last.h + words, CLASSES)
loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
optimizer = tf.train.AdamOptimizer(0.01)
grads, variables = zip(*optimizer.compute_gradients(loss))
train = optimizer.apply_gradients(zip(tf.clip_by_global_norm(grads, 0.5)[0], variables))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(8):
        labels = rng.randint(0, CLASSES, BATCH)
        images = rng.randn(BATCH, STEPS, WIDTH) + labels[:, None, None]
        feed = {x: images, y: labels, lengths: rng.randint(1, STEPS + 1, BATCH)}
        _, value = sess.run([train, loss], feed)
    print("loss", value)
