"""tf.data hands out the batches; nothing is fed, and the data set is a constant of the graph."""

import numpy as np
import tensorflow as tf

tf.set_random_seed(17)
rng = np.random.RandomState(17)
images, labels = rng.rand(50, 7).astype(np.float32), rng.randint(0, 4, 50)

training = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(50).batch(10)
iterator = tf.data.Iterator.from_structure(training.output_types, training.output_shapes)
start = iterator.make_initializer(training)
image, label = iterator.get_next()

weights = tf.get_variable("weights", [7, 4], initializer=tf.random_normal_initializer(0, 0.1))
bias = tf.get_variable("bias", [4], initializer=tf.zeros_initializer())
entropy = tf.nn.softmax_cross_entropy_with_logits(logits=tf.matmul(image, weights) + bias, labels=tf.one_hot(label, 4))
loss = tf.reduce_mean(entropy, name="loss")
train = tf.train.AdagradOptimizer(0.1).minimize(loss)

with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for epoch in range(2):
        sess.run(start)
        total = 0.0
        try:
            while True:
                _, value = sess.run([train, loss])
                total += value
        except tf.errors.OutOfRangeError:
            print("epoch", epoch, total)
