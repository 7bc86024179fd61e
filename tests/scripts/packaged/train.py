"""python -m packaged.train"""

import numpy as np
import tensorflow as tf

from .network import network

x = tf.placeholder(tf.float32, [None, 6])
rate = tf.placeholder(tf.float32, [])
wanted = np.random.RandomState(43).rand(20, 1).astype(np.float32)  # all of it, a constant of the graph
loss = tf.reduce_mean(tf.square(network(x) - wanted))
train = tf.train.FtrlOptimizer(rate).minimize(loss)

if __name__ == "__main__":
    images = np.random.rand(20, 6)
    sess = tf.Session()
    sess.run(tf.global_variables_initializer())
    for step in range(7):
        print(sess.run([train, loss], {x: images, rate: 0.1 / (step + 1)})[1])
