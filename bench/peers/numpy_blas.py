"""NumPy, gradient written out by hand: what its BLAS and no framework can do.

Threads: its BLAS's own choice, all cores. Tried: fresh arrays of activations every step (a little slower than the same
ones again); Adam over the whole of an array at a time (slower than a piece that stays in cache).
"""

from collections.abc import Callable

import numpy as np

from bench.peers.protocol import TENSORS, Problem, Run, serve

PIECE = 2**15  # weights that Adam moves at a time


def start(problem: Problem) -> Run:
    pixels, all_labels = problem.pixels(), problem.labels.astype(np.int64)
    weights_1, biases_1, weights_2, biases_2 = params = [getattr(problem, name).copy() for name in TENSORS]
    move, batches = _adam(params, problem) if problem.adam else _descent(params, problem), problem.batches()
    count = len(all_labels) if problem.rows is None else problem.rows.shape[1]
    order, taken = np.arange(count), np.empty((count, pixels.shape[1]), np.float32)
    hidden = np.empty((count, len(biases_1)), np.float32)
    grad_hidden = np.empty_like(hidden)
    active = np.empty(hidden.shape, bool)

    def batch() -> tuple[np.ndarray, np.ndarray]:
        rows = next(batches)
        if rows is None:
            return pixels, all_labels
        return np.take(pixels, rows, axis=0, out=taken, mode="clip"), all_labels[rows]

    def step() -> tuple[float, int]:
        images, labels = batch()
        np.matmul(images, weights_1, out=hidden)
        np.add(hidden, biases_1, out=hidden)
        np.maximum(hidden, 0, out=hidden)
        logits = hidden @ weights_2 + biases_2
        correct = int((logits.argmax(axis=1) == labels).sum())

        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        sums = exponentials.sum(axis=1)
        loss = float(np.mean(np.log(sums) - logits[order, labels], dtype=np.float64))

        grad_logits = exponentials / sums[:, None]
        grad_logits[order, labels] -= 1
        grad_logits /= len(labels)
        np.matmul(grad_logits, weights_2.T, out=grad_hidden)
        np.multiply(grad_hidden, np.greater(hidden, 0, out=active), out=grad_hidden)
        move([images.T @ grad_hidden, grad_hidden.sum(axis=0), hidden.T @ grad_logits, grad_logits.sum(axis=0)])
        return loss, correct

    return lambda steps: [step() for _ in range(steps)]


Move = Callable[[list[np.ndarray]], None]  # what a gradient does to the parameters


def _descent(params: list[np.ndarray], problem: Problem) -> Move:
    rate = np.float32(problem.learning_rate)

    def move(grads: list[np.ndarray]) -> None:
        for param, grad in zip(params, grads, strict=True):
            param -= np.multiply(rate, grad, out=grad)

    return move


def _adam(params: list[np.ndarray], problem: Problem) -> Move:
    assert problem.adam
    beta1, beta2, epsilon = (np.float32(problem.adam[name]) for name in ("beta1", "beta2", "epsilon"))
    slots = [(np.zeros_like(param), np.zeros_like(param)) for param in params]
    root, step = np.empty(PIECE, np.float32), 0

    def move_piece(param, grad, m, v, alpha: np.float32) -> None:
        changed = root[: len(param)]
        np.subtract(grad, m, out=changed)
        m += np.multiply(changed, 1 - beta1, out=changed)
        np.multiply(grad, grad, out=grad)
        grad -= v
        v += np.multiply(grad, 1 - beta2, out=grad)
        np.sqrt(v, out=changed)
        changed += epsilon
        np.divide(m, changed, out=changed)
        param -= np.multiply(changed, alpha, out=changed)

    def move(grads: list[np.ndarray]) -> None:
        nonlocal step
        step += 1
        alpha = np.float32(problem.learning_rate * (1 - beta2**step) ** 0.5 / (1 - beta1**step))
        for arrays in zip(params, grads, *zip(*slots, strict=True), strict=True):
            flat = [array.reshape(-1) for array in arrays]
            for first in range(0, len(flat[0]), PIECE):
                param, grad, m, v = (array[first : first + PIECE] for array in flat)
                move_piece(param, grad, m, v, alpha)

    return move


if __name__ == "__main__":
    serve(start, f"NumPy {np.__version__}")
