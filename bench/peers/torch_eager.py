"""PyTorch as its tutorials write it: `nn.Linear`, `cross_entropy`, `SGD` or `Adam`. TF32 is off, as by default.

Minibatches are rows of a resident tensor. Threads: all cores. Tried, on 6,000 images, with no difference beyond noise:
`relu` out of place (in place is kept, it saves an array of activations), bytes cast every step, `SGD(foreach=False)`.
Tried for minibatches: `Adam` unfused, with and without `foreach` (slower), `torch.from_numpy` of the host's rows (the
same), a `DataLoader` (many times slower).
"""

import torch
from torch import nn
from torch.nn import functional

from bench.peers.protocol import ADAM, Problem, Run, serve


class Perceptron(nn.Module):
    def __init__(self, problem: Problem):
        super().__init__()
        *hidden, self.last = (_linear(weights, biases) for weights, biases in problem.layers)
        self.hidden, self.relu = nn.ModuleList(hidden), problem.activation == "relu"

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        for layer in self.hidden:
            inputs = torch.relu_(layer(inputs)) if self.relu else layer(inputs)
        return self.last(inputs)


def _linear(weights, biases) -> nn.Linear:
    layer = nn.Linear(*weights.shape)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights.T))
        layer.bias.copy_(torch.from_numpy(biases))
    return layer


def start(problem: Problem, compiled: bool = False) -> Run:
    torch.set_float32_matmul_precision("highest")
    if problem.device != "cpu" and not torch.cuda.is_available():
        raise RuntimeError("this PyTorch sees no CUDA device")
    device = torch.device("cpu" if problem.device == "cpu" else "cuda")
    images = torch.from_numpy(problem.pixels()).to(device)
    labels = torch.from_numpy(problem.labels).to(device).long()
    model, batches = Perceptron(problem).to(device), problem.batches()
    optimizer = _optimizer(model, problem)

    def forward(images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = model(images)
        return functional.cross_entropy(logits, labels), (logits.argmax(1) == labels).sum()

    forward = torch.compile(forward) if compiled else forward

    def batch() -> tuple[torch.Tensor, torch.Tensor]:
        if (rows := next(batches)) is None:
            return images, labels
        own = torch.from_numpy(rows).to(device)
        return images[own], labels[own]

    def step() -> tuple[torch.Tensor, torch.Tensor]:
        loss, correct = forward(*batch())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach(), correct

    def run(steps: int):
        outcomes = [step() for _ in range(steps)]  # on a GPU all are queued before the first is waited for
        return [(loss.item(), correct.item()) for loss, correct in outcomes]

    return run


def _optimizer(model: nn.Module, problem: Problem) -> torch.optim.Optimizer:
    """Its Adam's epsilon is TensorFlow's divided by the bias correction."""
    if problem.adam is None:
        return torch.optim.SGD(model.parameters(), lr=problem.learning_rate)
    beta1, beta2, epsilon = (problem.adam[name] for name in ADAM)
    return torch.optim.Adam(model.parameters(), problem.learning_rate, (beta1, beta2), epsilon, fused=True)


def device_peak() -> int | None:
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None


if __name__ == "__main__":
    serve(start, f"PyTorch {torch.__version__.split('+')[0]}", device_peak)
