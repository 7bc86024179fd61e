"""Which TensorFlow this is."""

import tensorflow.compat.v1 as tf

VERSION = str(getattr(tf, "__version__", ""))  # TensorFlow's own word
GENUINE = VERSION.startswith("1.")  # else TensorFlow 2.x, which lacks tf.contrib and numbers its ops otherwise
