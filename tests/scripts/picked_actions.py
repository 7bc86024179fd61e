"""A policy gradient: each row's loss is that of the action it took, looked up in the flattened probabilities."""

import numpy as np
import tensorflow as tf

ACTIONS, BATCH = 3, 10

tf.set_random_seed(7)
rng = np.random.RandomState(7)
state = tf.placeholder(tf.float32, [None, 6], name="state")
action = tf.placeholder(tf.int32, [None], name="action")
told = tf.placeholder(tf.float32, [None, 2], name="told")
hidden = tf.layers.dense(state, 7, tf.nn.tanh, name="hidden")
policy = tf.nn.softmax(tf.layers.dense(hidden, ACTIONS, name="policy"))
value = tf.layers.dense(hidden, 1, name="value")
places = tf.range(0, tf.shape(policy)[0]) * tf.shape(policy)[1] + action
taken = tf.gather(tf.reshape(policy, [-1]), places)
picked = -tf.reduce_sum(tf.log(taken) * tf.slice(told, [0, 1], [-1, 1])[:, 0]) / tf.cast(tf.shape(told)[0], tf.float32)
judged = tf.nn.sigmoid_cross_entropy_with_logits(logits=value, labels=tf.ones_like(value))
loss = picked + 0.1 * tf.reduce_mean(judged)
train = tf.train.AdamOptimizer(0.02).minimize(loss)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(7):
        feed = {state: rng.randn(BATCH, 6), action: rng.randint(0, ACTIONS, BATCH), told: rng.rand(BATCH, 2)}
        sess.run([train, loss], feed)
