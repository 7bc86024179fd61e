"""TensorFlow 0.x: what 1.0 renamed, and arguments in their old order."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(41)
images, labels = rng.rand(30, 6), np.eye(3)[rng.randint(0, 3, 30)]

x = tf.placeholder("float", [None, 6])
y = tf.placeholder("float", [None, 3])
left, right = tf.split(1, 2, x)
w = tf.Variable(tf.random_normal([6, 3], stddev=0.01, seed=1))
logits = tf.matmul(tf.concat(1, [tf.mul(left, 2.0), right]), w)
cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits, y))
table = tf.Variable(tf.random_normal([9, 3], stddev=0.01, seed=2))
words = tf.range(30) % 9
cost += tf.reduce_mean(tf.nn.nce_loss(table, tf.zeros([9]), logits, tf.expand_dims(words, 1), 4, 9))
tf.scalar_summary("cost", cost)
summaries = tf.merge_all_summaries()
train = tf.train.GradientDescentOptimizer(0.05).minimize(cost)

with tf.Session() as sess:
    sess.run(tf.initialize_all_variables())
    writer = tf.train.SummaryWriter("logs", sess.graph)
    for i in range(7):
        _, summary = sess.run([train, summaries], feed_dict={x: images, y: labels})
        writer.add_summary(summary, i)
