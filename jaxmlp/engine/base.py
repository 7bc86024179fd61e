"""What an engine is: it lays images out once, then sums a loss's gradient over them or maps a function over their rows.

It owns the first product, bytes times the first layer's weights; a function that the caller brings does the rest.
"""

from collections.abc import Callable
from typing import Any, Protocol

import jax
from jax import Array

from jaxmlp.data.dataset import Split
from jaxmlp.model import Params, Totals

ByteMatmul = Callable[[Array, Any], Array]  # uint8 [n, P], float [P, H] -> float [n, H]; see byte_matmul.py

# inputs float [n, H] (the first product), the other parameters, labels [n], rows -> Totals over the n images
LossFn = Callable[[Array, Params, Array, Any], Totals]
# the same arguments -> a tree of arrays [n, …]
RowFn = Callable[[Array, Params, Array, Any], Any]


class Engine(Protocol):
    """Engines are frozen dataclasses: hashable, so that jit takes them as static.

    `rows` is a tree of arrays [N, …] that go along with the images, in the order these came: dropout masks, say.
    """

    def place(self, split: Split, device: jax.Device) -> Any:
        """The images and labels on the device, laid out once a run: a pytree whose `size` is the number of images."""
        ...

    def sum_grads(self, loss: LossFn, params: Params, batch: Any, rows: Any = None) -> tuple[Totals, Params]:
        """`loss` summed over all images, and the gradient of that sum."""
        ...

    def map_rows(self, function: RowFn, params: Params, batch: Any, rows: Any = None) -> Any:
        """What `function` gives for every image, arrays [N, …] in the order the images came."""
        ...


def apart(params: Params) -> tuple[Any, Params]:
    """The first layer's weights, and the parameters without them."""
    return params[0].weights, (params[0]._replace(weights=None), *params[1:])


def together(first: Any, rest: Params) -> Params:
    """The inverse of `apart`."""
    return (rest[0]._replace(weights=first), *rest[1:])


def transpose_output(rest: Params) -> Params:
    """The last layer's weights transposed, there and back: engines sum their gradient as [C, H].

    As [H, C], the layout that the formula gives, XLA's CPU matmul runs at a tenth of the speed (7 against 69 GFLOP/s).
    """
    if len(rest) == 1:
        return rest
    return (*rest[:-1], rest[-1]._replace(weights=rest[-1].weights.T))


def chunk_grads(loss: LossFn, product: ByteMatmul) -> Callable[..., tuple[Totals, tuple[Any, Params]]]:
    """(first, rest with its output transposed, images, labels, rows) -> Totals of a chunk, gradient by first two."""

    def summed(first: Array, rest: Params, images: Array, labels: Array, rows: Any) -> tuple[Array, Totals]:
        totals = loss(product(images, first), transpose_output(rest), labels, rows)
        return totals.loss, totals

    def of_chunk(*chunk: Any) -> tuple[Totals, tuple[Any, Params]]:
        (_, totals), grads = jax.value_and_grad(summed, argnums=(0, 1), has_aux=True)(*chunk)
        return totals, grads

    return of_chunk
