"""tf.layers and dropout under a fed keep_prob, which draws at evaluation too; feeds are lists and float64."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(5)
images, labels = rng.rand(60, 10), rng.randint(0, 3, 60)

x = tf.placeholder(tf.float32, [None, 10], name="x")
y = tf.placeholder(tf.int64, [None], name="y")
keep_prob = tf.placeholder(tf.float32, name="keep_prob")
hidden = tf.layers.dense(x, 16, activation=tf.nn.relu, name="hidden")
logits = tf.layers.dense(tf.nn.dropout(hidden, keep_prob), 3, name="out")
loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
global_step = tf.train.get_or_create_global_step()
train = tf.train.AdamOptimizer().minimize(loss, global_step=global_step)
accuracy, update_accuracy = tf.metrics.accuracy(y, tf.argmax(logits, 1))

sess = tf.Session()
sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
batch = np.empty((20, 10))  # one buffer for all batches
for epoch in range(3):
    for start in range(0, 60, 20):
        batch[:] = images[start : start + 20]
        sess.run(train, {x: batch, y: list(labels[start : start + 20]), keep_prob: 0.5})
        batch[:] = -1
    sess.run(update_accuracy, {x: images, y: labels, keep_prob: 1.0})
print("accuracy", sess.run(accuracy))
