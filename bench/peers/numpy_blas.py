"""NumPy, gradient written out by hand: what its BLAS and no framework can do.

Threads: its BLAS's own choice, all cores. Tried: fresh arrays of activations every step (a little slower than the same
ones again); Adam over the whole of an array at a time (slower than a piece that stays in cache).
"""

from collections.abc import Callable

import numpy as np

from bench.peers.protocol import Problem, Run, serve

PIECE = 2**15  # weights that Adam moves at a time


def start(problem: Problem) -> Run:
    pixels, all_labels = problem.pixels(), problem.labels.astype(np.int64)
    params, batches = problem.params, problem.batches()
    move = _adam(params, problem) if problem.adam else _descent(params, problem)
    count = len(all_labels) if problem.rows is None else problem.rows.shape[1]
    network, taken = Network(params, count, problem.activation), np.empty((count, pixels.shape[1]), np.float32)

    def batch() -> tuple[np.ndarray, np.ndarray]:
        rows = next(batches)
        if rows is None:
            return pixels, all_labels
        return np.take(pixels, rows, axis=0, out=taken, mode="clip"), all_labels[rows]

    def step() -> tuple[float, int]:
        loss, correct, grads = network.loss_and_grads(*batch())
        move(grads)
        return loss, correct

    return lambda steps: [step() for _ in range(steps)]


class Network:
    """The layers, whose weights and biases are `params` in turn, and the activations of `count` images."""

    def __init__(self, params: list[np.ndarray], count: int, activation: str):
        self._weights, self._biases, self._order = params[::2], params[1::2], np.arange(count)
        shapes = [(count, len(biases)) for biases in self._biases[:-1]]
        self._hidden = [np.empty(shape, np.float32) for shape in shapes]
        self._grads = [np.empty(shape, np.float32) for shape in shapes]
        relu = activation == "relu"  # else a layer's outputs and their gradient are as they come
        self._active = [np.empty(shape, bool) for shape in shapes] if relu else []

    def loss_and_grads(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, int, list[np.ndarray]]:
        """The mean loss, the correct count, and the gradient of the loss by every parameter."""
        inputs = self._forward(images)
        loss, correct, grad = self._of_logits(inputs[-1] @ self._weights[-1] + self._biases[-1], labels)
        grads = [inputs[-1].T @ grad, grad.sum(axis=0)]
        for layer in reversed(range(len(self._hidden))):
            grad = np.matmul(grad, self._weights[layer + 1].T, out=self._grads[layer])
            if self._active:
                np.multiply(grad, np.greater(self._hidden[layer], 0, out=self._active[layer]), out=grad)
            grads[:0] = [inputs[layer].T @ grad, grad.sum(axis=0)]
        return loss, correct, grads

    def _forward(self, images: np.ndarray) -> list[np.ndarray]:
        """What every layer is fed."""
        inputs = [images]
        for weights, biases, hidden in zip(self._weights[:-1], self._biases[:-1], self._hidden, strict=True):
            np.matmul(inputs[-1], weights, out=hidden)
            np.add(hidden, biases, out=hidden)
            inputs.append(np.maximum(hidden, 0, out=hidden) if self._active else hidden)
        return inputs

    def _of_logits(self, logits: np.ndarray, labels: np.ndarray) -> tuple[float, int, np.ndarray]:
        """The softmax cross-entropy, the correct count, and the gradient of the loss by the logits."""
        correct = int((logits.argmax(axis=1) == labels).sum())
        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        sums = exponentials.sum(axis=1)
        loss = float(np.mean(np.log(sums) - logits[self._order, labels], dtype=np.float64))
        grad = exponentials / sums[:, None]
        grad[self._order, labels] -= 1
        grad /= len(labels)
        return loss, correct, grad


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
