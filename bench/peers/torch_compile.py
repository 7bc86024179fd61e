"""PyTorch, the same program with `torch.compile` around the forward pass and the loss, and so around their gradient.

Tried: mode="max-autotune" (no difference beyond noise on a CPU).
"""

import functools

import torch

from bench.peers.protocol import serve
from bench.peers.torch_eager import device_peak, start

if __name__ == "__main__":
    serve(functools.partial(start, compiled=True), f"PyTorch {torch.__version__.split('+')[0]}", device_peak)
