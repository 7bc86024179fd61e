"""TensorFlow 2.x as today's guides write it, compiled by XLA: `tf.function(jit_compile=True)` around a gradient tape.

Minibatches are rows of resident pixels, gathered within the function. Tried: bytes cast inside the function (a little
slower), and the same function without XLA (faster on a CPU; that is `tf2_graph`'s row).
"""

import tensorflow as tf

from bench.peers.protocol import ADAM, Problem, Run, serve


def start(problem: Problem) -> Run:
    tf.config.experimental.enable_tensor_float_32_execution(False)
    if problem.device != "cpu" and not tf.config.list_physical_devices("GPU"):
        raise RuntimeError("this TensorFlow sees no GPU")
    images, labels = tf.constant(problem.pixels()), tf.constant(problem.labels, tf.int32)
    params = [tf.Variable(tf.constant(value)) for value in problem.params]
    activation = {"relu": tf.nn.relu, "identity": tf.identity}[problem.activation]
    move, batches = _adam(params, problem) if problem.adam else _descent(params, problem), problem.batches()

    @tf.function(jit_compile=True)
    def step(images, labels, rows):
        if rows is not None:
            images, labels = tf.gather(images, rows), tf.gather(labels, rows)
        *hidden, weights_out, biases_out = params
        with tf.GradientTape() as tape:
            for weights, biases in zip(hidden[::2], hidden[1::2], strict=True):
                images = activation(images @ weights + biases)
            logits = images @ weights_out + biases_out
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
        move(tape.gradient(loss, params))
        return loss, tf.reduce_sum(tf.cast(tf.argmax(logits, 1, tf.int32) == labels, tf.int32))

    def run(steps: int):
        outcomes = [step(images, labels, _tensor(next(batches))) for _ in range(steps)]
        return [(loss.numpy(), correct.numpy()) for loss, correct in outcomes]

    return run


def _tensor(rows):
    """Not NumPy's array, for each of which `tf.function` would trace the step anew."""
    return None if rows is None else tf.constant(rows)


def _descent(params, problem: Problem):
    def move(grads) -> None:
        for param, grad in zip(params, grads, strict=True):
            param.assign_sub(problem.learning_rate * grad)

    return move


def _adam(params, problem: Problem):
    """The formula of TensorFlow's own kernel, which XLA compiles from `ResourceApplyAdam`."""
    assert problem.adam
    beta1, beta2, epsilon = (tf.constant(problem.adam[name], tf.float32) for name in ADAM)
    slots = [(tf.Variable(tf.zeros_like(param)), tf.Variable(tf.zeros_like(param))) for param in params]
    powers = tf.Variable(beta1), tf.Variable(beta2)

    def move(grads) -> None:
        for param, (m, v), grad in zip(params, slots, grads, strict=True):
            numbers = (problem.learning_rate, beta1, beta2, epsilon)
            tf.raw_ops.ResourceApplyAdam(
                var=param.handle, m=m.handle, v=v.handle, beta1_power=powers[0], beta2_power=powers[1],
                lr=numbers[0], beta1=numbers[1], beta2=numbers[2], epsilon=numbers[3], grad=grad,
            )  # fmt: skip
        for power, beta in zip(powers, (beta1, beta2), strict=True):
            power.assign(power * beta)

    return move


def device_peak() -> int | None:
    if not tf.config.list_physical_devices("GPU"):
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["peak"]


if __name__ == "__main__":
    serve(start, f"TensorFlow {tf.__version__}", device_peak)
