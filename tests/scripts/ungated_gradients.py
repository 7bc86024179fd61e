"""Gradients of tf.gradients, which no edge keeps from racing with the updates that they are for."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(0)
x = tf.placeholder(tf.float32, [None, 6], name="x")
y = tf.placeholder(tf.float32, [None, 3], name="y")
sizes = [6, 8, 7, 3]
layers = [
    (tf.Variable(rng.randn(a, b).astype(np.float32), name="w%d" % i), tf.Variable(tf.zeros([b]), name="b%d" % i))
    for i, (a, b) in enumerate(zip(sizes, sizes[1:]))
]
out = x
for i, (w, b) in enumerate(layers):
    out = tf.matmul(tf.nn.relu(out) if i else out, w) + b
loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=out))
variables = tf.trainable_variables()
train = tf.train.GradientDescentOptimizer(0.05).apply_gradients(zip(tf.gradients(loss, variables), variables))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(6):
        labels = np.eye(3, dtype=np.float32)[rng.randint(3, size=16)]
        sess.run([train, loss], {x: rng.rand(16, 6), y: labels})
