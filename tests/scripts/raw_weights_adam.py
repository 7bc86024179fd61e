"""Weights made by hand and Adam, as most tutorials begin."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(3)
images = rng.rand(96, 12).astype(np.float32)
labels = np.eye(4)[rng.randint(0, 4, 96)]

x = tf.placeholder(tf.float32, [None, 12])
y = tf.placeholder(tf.float32, [None, 4])
weights = {
    "h1": tf.Variable(tf.random_normal([12, 8])),
    "out": tf.Variable(tf.random_normal([8, 4])),
}
biases = {"b1": tf.Variable(tf.random_normal([8])), "out": tf.Variable(tf.random_normal([4]))}
hidden = tf.nn.relu(tf.add(tf.matmul(x, weights["h1"]), biases["b1"]))
logits = tf.matmul(hidden, weights["out"]) + biases["out"]
loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=y))
train = tf.train.AdamOptimizer(learning_rate=0.01).minimize(loss)
correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for epoch in range(3):
        for start in range(0, 96, 32):
            batch = slice(start, start + 32)
            _, cost = sess.run([train, loss], feed_dict={x: images[batch], y: labels[batch]})
        print("epoch", epoch, "loss", cost)
    print("accuracy", accuracy.eval({x: images, y: labels}))
