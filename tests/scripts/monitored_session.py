"""MonitoredTrainingSession: a finalized graph, hooks that fetch along, checkpoints, a stop hook, momentum."""

import tempfile

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(7)
images, targets = rng.rand(40, 6).astype(np.float32), rng.rand(40, 2).astype(np.float32)

x = tf.placeholder(tf.float32, [None, 6])
y = tf.placeholder(tf.float32, [None, 2])
hidden = tf.layers.dense(x, 8, tf.nn.tanh)
loss = tf.losses.mean_squared_error(y, tf.layers.dense(hidden, 2))
step = tf.train.get_or_create_global_step()
train = tf.train.MomentumOptimizer(0.05, 0.9).minimize(loss, global_step=step)
tf.summary.scalar("loss", loss)

hooks = [tf.train.StopAtStepHook(last_step=8), tf.train.LoggingTensorHook({"loss": loss}, every_n_iter=4)]
with tf.train.MonitoredTrainingSession(checkpoint_dir=tempfile.mkdtemp(), hooks=hooks, save_summaries_steps=3) as sess:
    while not sess.should_stop():
        value, _ = sess.run([loss, train], feed_dict={x: images, y: targets})
        print("loss", value)
