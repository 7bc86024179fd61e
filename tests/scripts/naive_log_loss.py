"""InteractiveSession and the logarithm of a softmax written out, as MNIST for beginners had it."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(29)
images, labels = rng.rand(40, 9), np.eye(5)[rng.randint(0, 5, 40)]

sess = tf.InteractiveSession()
x = tf.placeholder("float", [None, 9])
W = tf.Variable(tf.zeros([9, 5]))
b = tf.Variable(tf.zeros([5]))
y = tf.nn.softmax(tf.matmul(x, W) + b)
y_ = tf.placeholder("float", [None, 5])
cross_entropy = -tf.reduce_sum(y_ * tf.log(y))
train_step = tf.train.GradientDescentOptimizer(0.01).minimize(cross_entropy)
tf.initialize_all_variables().run()
for i in range(8):
    train_step.run(feed_dict={x: images[i * 5 : i * 5 + 5], y_: labels[i * 5 : i * 5 + 5]})
print(cross_entropy.eval({x: images, y_: labels}), len(tf.get_default_graph().get_operations()), "ops")
