"""tf.keras, which never calls Session.run: dropout and batch normalization under the learning phase."""

import numpy as np
import tensorflow as tf

rng = np.random.RandomState(13)
images, labels = rng.rand(48, 4, 4), rng.randint(0, 5, 48)

model = tf.keras.Sequential(
    [
        tf.keras.layers.Flatten(input_shape=(4, 4)),
        tf.keras.layers.Dense(10, activation="relu"),
        tf.keras.layers.BatchNormalization(),
        tf.keras.layers.Dropout(0.25),
        tf.keras.layers.Dense(5, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(images, labels, batch_size=16, epochs=3, verbose=0, shuffle=False, validation_split=0.25)
print("test", model.evaluate(images, labels, verbose=0))
