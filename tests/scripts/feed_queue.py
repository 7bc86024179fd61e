"""Batches come through a queue that a thread fills; a bare fetch of an op runs by make_callable."""

import numpy as np
import tensorflow as tf

tf.set_random_seed(37)
rng = np.random.RandomState(37)
images, labels = rng.rand(32, 5).astype(np.float32), rng.randint(0, 3, 32).astype(np.int32)

image, label = tf.train.slice_input_producer([tf.constant(images), tf.constant(labels)], shuffle=False)
batch, wanted = tf.train.batch([image, label], batch_size=8)
logits = tf.layers.dense(tf.layers.dense(batch, 6, tf.nn.elu), 3)
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=wanted))
train = tf.train.AdamOptimizer(0.02).minimize(loss)

with tf.Session() as sess:
    sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
    coordinator = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess, coordinator)
    step = sess.make_callable([loss, train])
    for i in range(7):
        value, _ = step()
    print("loss", value)
    coordinator.request_stop()
    coordinator.join(threads)
