"""NumPy, gradient written out by hand: what its BLAS and no framework can do.

Threads: its BLAS's own choice, all cores. Tried: fresh arrays of activations every step (a little slower than the same
ones again).
"""

import numpy as np

from bench.peers.protocol import Problem, Run, serve


def start(problem: Problem) -> Run:
    images, labels = problem.images.astype(np.float32), problem.labels.astype(np.int64)
    weights_1, biases_1, weights_2, biases_2 = (
        problem.weights_1.copy(),
        problem.biases_1.copy(),
        problem.weights_2.copy(),
        problem.biases_2.copy(),
    )
    rows, rate = np.arange(len(labels)), np.float32(problem.learning_rate)
    hidden = np.empty((len(labels), len(biases_1)), np.float32)
    grad_hidden = np.empty_like(hidden)
    active = np.empty(hidden.shape, bool)

    def step() -> tuple[float, int]:
        np.matmul(images, weights_1, out=hidden)
        np.add(hidden, biases_1, out=hidden)
        np.maximum(hidden, 0, out=hidden)
        logits = hidden @ weights_2 + biases_2
        correct = int((logits.argmax(axis=1) == labels).sum())

        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        sums = exponentials.sum(axis=1)
        loss = float(np.mean(np.log(sums) - logits[rows, labels], dtype=np.float64))

        grad_logits = exponentials / sums[:, None]
        grad_logits[rows, labels] -= 1
        grad_logits /= len(labels)
        np.matmul(grad_logits, weights_2.T, out=grad_hidden)
        np.multiply(grad_hidden, np.greater(hidden, 0, out=active), out=grad_hidden)
        weights_2[...] -= rate * (hidden.T @ grad_logits)
        biases_2[...] -= rate * grad_logits.sum(axis=0)
        weights_1[...] -= rate * (images.T @ grad_hidden)
        biases_1[...] -= rate * grad_hidden.sum(axis=0)
        return loss, correct

    return lambda steps: [step() for _ in range(steps)]


if __name__ == "__main__":
    serve(start, f"NumPy {np.__version__}")
