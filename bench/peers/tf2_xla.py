"""TensorFlow 2.x as today's guides write it, compiled by XLA: `tf.function(jit_compile=True)` around a gradient tape.

Tried: bytes cast inside the function (a little slower), and the same function without XLA (faster on a CPU; that is
`tf2_graph`'s row).
"""

import tensorflow as tf

from bench.peers.protocol import Problem, Run, serve


def start(problem: Problem) -> Run:
    tf.config.experimental.enable_tensor_float_32_execution(False)
    if problem.device != "cpu" and not tf.config.list_physical_devices("GPU"):
        raise RuntimeError("this TensorFlow sees no GPU")
    images, labels = tf.constant(problem.images, tf.float32), tf.constant(problem.labels, tf.int32)
    tensors = problem.weights_1, problem.biases_1, problem.weights_2, problem.biases_2
    params = [tf.Variable(tf.constant(tensor)) for tensor in tensors]

    @tf.function(jit_compile=True)
    def step(images, labels):
        weights_1, biases_1, weights_2, biases_2 = params
        with tf.GradientTape() as tape:
            logits = tf.nn.relu(images @ weights_1 + biases_1) @ weights_2 + biases_2
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        for param, grad in zip(params, tape.gradient(loss, params), strict=True):
            param.assign_sub(problem.learning_rate * grad)  # pyright: ignore[reportOperatorIssue]
        return loss, tf.reduce_sum(tf.cast(tf.argmax(logits, 1, tf.int32) == labels, tf.int32))

    def run(steps: int):
        outcomes = [step(images, labels) for _ in range(steps)]
        return [(loss.numpy(), correct.numpy()) for loss, correct in outcomes]

    return run


def device_peak() -> int | None:
    if not tf.config.list_physical_devices("GPU"):
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["peak"]


if __name__ == "__main__":
    serve(start, f"TensorFlow {tf.__version__}", device_peak)
