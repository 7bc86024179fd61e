"""Moving averages, L2 and an exponential decay: much is assigned that is no training."""

import numpy as np
import tensorflow as tf

tf.set_random_seed(23)
rng = np.random.RandomState(23)
images, labels = rng.rand(60, 8).astype(np.float32), rng.randint(0, 4, 60)

x = tf.placeholder(tf.float32, [None, 8], name="x-input")
y = tf.placeholder(tf.int64, [None], name="y-input")
weights1 = tf.Variable(tf.truncated_normal([8, 10], stddev=0.1))
biases1 = tf.Variable(tf.constant(0.1, shape=[10]))
weights2 = tf.Variable(tf.truncated_normal([10, 4], stddev=0.1))
biases2 = tf.Variable(tf.constant(0.1, shape=[4]))
logits = tf.matmul(tf.nn.relu(tf.matmul(x, weights1) + biases1), weights2) + biases2

global_step = tf.Variable(0, trainable=False)
averages = tf.train.ExponentialMovingAverage(0.99, global_step)
entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=y)
regularizer = tf.contrib.layers.l2_regularizer(0.001)
loss = tf.reduce_mean(entropy) + regularizer(weights1) + regularizer(weights2)
rate = tf.train.exponential_decay(0.5, global_step, 2, 0.9, staircase=True)
step = tf.train.GradientDescentOptimizer(rate).minimize(loss, global_step=global_step)
with tf.control_dependencies([step]):
    train = tf.group(averages.apply(tf.trainable_variables()), name="train")

with tf.Session() as sess:
    tf.global_variables_initializer().run()
    for i in range(8):
        sess.run(train, {x: images[i * 7 : i * 7 + 7], y: labels[i * 7 : i * 7 + 7]})
    print(sess.run([loss, global_step, averages.average(weights1)], {x: images, y: labels})[:2])
