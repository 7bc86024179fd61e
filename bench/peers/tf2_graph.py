"""TensorFlow 2.x running the original's graph in a `tf.compat.v1` session: the same file as TensorFlow 1.15.

oneDNN is on, as it is by default on x86 (`TF_ENABLE_ONEDNN_OPTS`). On a GPU, TF32 is off: its ten bits of mantissa
are not the original's arithmetic. Threads: all cores. Tried: what `tf115` lists, with no difference beyond noise.
"""

import tensorflow as tf

from bench.peers.protocol import serve
from bench.peers.tf115 import start

if __name__ == "__main__":
    tf.config.experimental.enable_tensor_float_32_execution(False)
    serve(start, f"TensorFlow {tf.__version__}")
