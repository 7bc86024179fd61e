"""Words looked up in a table: gradients of the table are sparse, some rows of it come twice; negatives are drawn."""

import numpy as np
import tensorflow as tf

WORDS, WIDTH, BATCH = 30, 6, 12

tf.set_random_seed(19)
rng = np.random.RandomState(19)
inputs = tf.placeholder(tf.int32, [BATCH])
context = tf.placeholder(tf.int32, [BATCH, 1])
table = tf.Variable(tf.random_uniform([WORDS, WIDTH], -1, 1))
weights = tf.Variable(tf.truncated_normal([WORDS, WIDTH], stddev=0.4))
biases = tf.Variable(tf.zeros([WORDS]))
looked = tf.nn.embedding_lookup(table, inputs)
drawn = tf.nn.sampled_softmax_loss(weights, biases, context, looked, num_sampled=7, num_classes=WORDS)
loss = tf.reduce_mean(drawn)
train = tf.train.AdagradOptimizer(0.5).minimize(loss)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(8):
        words = rng.randint(0, WORDS // 2, (2, BATCH))
        _, value = sess.run([train, loss], {inputs: words[0], context: words[1][:, None]})
    print("loss", value)
