"""How a step's gradients come, but for rounding, from what a file has of it already: as `products.py`, or scaled."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from parity.compare.recorded.products import NEAR, Product, product_of
from parity.compare.tensor import Named
from parity.compare.trace import StepTrace


class Ways(NamedTuple):
    """By the keys of what they make."""

    products: Mapping[str, Product]  # gradients
    factors: Mapping[str, float]  # of what arrives, clipped by a norm

    @classmethod
    def of(cls, one: StepTrace) -> "Ways":
        """Those that pay."""
        start, grads = one.arrays("start"), one.of_role("grads")
        batch = {key: array for key, array in start.items() if key.startswith("batch/")}
        products, factors = {}, {}
        for name, grad in grads.items():
            own, arriving = start.get(f"weights/{name}"), one.got.get(f"arriving/{name}")
            products[f"grads/{name}"] = None if own is None else product_of(grad.array, own, batch)
            factors[f"arriving/{name}"] = None if arriving is None else _factor(arriving.array, grad.array)
        found = ({key: way for key, way in ways.items() if way is not None} for ways in (products, factors))
        return cls(*found)

    def near(self, one: StepTrace, key: str) -> np.ndarray | None:
        """What is known of a result before it is read; None where nothing is."""
        name = key.partition("/")[2]
        if key in self.factors:
            grad = one.got[f"grads/{name}"].array
            return (self.factors[key] * grad.astype(np.float64)).astype(grad.dtype)
        if key not in self.products:
            return None
        product = self.products[key]
        return product.gradient(one.start[product.batch].array, one.start[f"weights/{name}"].array)

    def arrays(self) -> Named:
        """The matrices of the products."""
        return {key: one.back for key, one in self.products.items()}

    def told(self) -> list[Any]:
        """All else, as a file's header has it."""
        return [{key: [one.batch, one.exponents, one.decay] for key, one in self.products.items()}, dict(self.factors)]

    @classmethod
    def read(cls, told: Any, arrays: Named) -> "Ways":
        """Again. Raises KeyError, TypeError or ValueError for what is none."""
        products, factors = told
        made = {
            key: Product(batch, (int(first), int(second)), float(decay), arrays[key])
            for key, (batch, (first, second), decay) in products.items()
        }
        return cls(made, {key: float(factor) for key, factor in factors.items()})


def _factor(arriving: np.ndarray, grad: np.ndarray) -> float | None:
    """What a gradient was multiplied by before it arrived; None where it was not, or more was done to it."""
    wide, own = arriving.astype(np.float64), grad.astype(np.float64)
    square = float(np.vdot(own, own))
    if np.array_equal(arriving, grad) or not (math.isfinite(square) and square > 0):
        return None
    factor = float(np.vdot(wide, own)) / square
    return factor if np.linalg.norm(wide - factor * own) <= NEAR * np.linalg.norm(wide) else None
