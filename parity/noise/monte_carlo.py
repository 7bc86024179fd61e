"""Monte Carlo arithmetic: a traced float32 function, evaluated with every rounding drawn at random.

After Parker, "Monte Carlo Arithmetic" (1997). What a number loses on its way through float32 is not derived by hand for
each activation, loss and kink, but sampled: an input near a kink falls on either side of it, a saturated unit wavers
where float32 does, cancellation shows. Every result is rounded to `BITS` bits, up or down by chance, so that its mean
is right and what float32 holds in few bits (0, 1, a half, a mask) stays exact. Sums lose what they lose when
they are taken one after the other; no order that a library takes loses more.

That is 5.7 times as much as float32's rounding to nearest, in the root mean square: two bits make 4, chance makes the
root of 2. So ten samples meet what one of 24 bits meets in thousands, and their largest deviation bounds it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from parity.compare.limits import TINY
from parity.noise import by_jax
from parity.noise.kinks import COMPARISONS, Watch
from parity.noise.primitives import ROUNDED, largest_term, matrices, result, terms, wide

BITS = 22  # of a number's mantissa, the leading one with them; float32 has 24
DROPPED = 53 - BITS
# The root mean square of what an addition loses in these bits, relative to what has been summed so far: 0.42 * 2**-24
# of float32, rounded to nearest, and 5.7 times as much here.
ADDITION = 2.4 * 2.0**-24
HUGE = 2.0**128  # where float32 ends


class Arithmetic:
    """Evaluates jaxprs in NumPy; `rng` None: exactly, in float64. `watch` sees comparisons, and may turn them."""

    def __init__(self, rng: np.random.Generator | None, watch: Watch | None = None):
        self.rng, self.watch = rng, watch

    def run(self, traced: ClosedJaxpr, arguments: Sequence[Any]) -> list[np.ndarray]:
        """Its results for these arrays, float64 for float32."""
        with np.errstate(all="ignore"):
            return self._run(traced.jaxpr, traced.consts, [_widened(one) for one in arguments])

    def _run(self, jaxpr: Jaxpr, consts: Sequence[Any], arguments: Sequence[np.ndarray]) -> list[np.ndarray]:
        known = dict(zip(jaxpr.invars, arguments, strict=True))
        known.update(zip(jaxpr.constvars, map(_widened, consts), strict=True))

        def value(atom: Any) -> np.ndarray:
            return _widened(atom.val) if isinstance(atom, Literal) else known[atom]

        for equation in jaxpr.eqns:
            operands = [value(atom) for atom in equation.invars]
            known.update(zip(equation.outvars, self._results(equation, operands), strict=True))
        return [value(atom) for atom in jaxpr.outvars]

    def _results(self, equation: Any, operands: list[np.ndarray]) -> list[np.ndarray]:
        inner = equation.params.get("call_jaxpr", equation.params.get("jaxpr"))
        if inner is not None:
            return self._run(inner.jaxpr, inner.consts, operands)
        name = equation.primitive.name
        if name in by_jax.KNOWN and not matrices(name, operands, equation.params):
            return self._by_jax(equation, operands)
        exact = result(name, operands, equation.params)
        if self.watch and name in COMPARISONS and operands[0].dtype == np.float64:
            turned = self.watch(operands[0] - operands[1])
            return [exact if turned is None else exact ^ turned]
        if self.rng is None or exact.dtype != np.float64:
            return [exact]
        if summed := terms(name, operands, equation.params):
            largest = largest_term(name, operands, equation.params)
            return [_possible(exact, exact + self._lost(exact, *summed), largest)]
        return [self._rounded(exact) if name in ROUNDED else exact]

    def _by_jax(self, equation: Any, operands: list[np.ndarray]) -> list[np.ndarray]:
        exact = by_jax.results(equation.primitive, operands, equation.params)
        if self.rng is None or exact[0].dtype != np.float64:
            return exact
        if summed := by_jax.terms(equation.primitive, operands, equation.params):
            return [exact[0] + self._lost(exact[0], *summed)]
        return [self._rounded(one) if equation.primitive.name in ROUNDED else one for one in exact]

    def _rounded(self, x: np.ndarray) -> np.ndarray:
        """Up or down, so that the mean is x: a random number below the last bit kept is added, and bits are cut off."""
        chance = (self._chance(x) >> (64 - DROPPED)).astype(np.int64)
        kept = np.array(x, order="C").view(np.int64) + chance & -(1 << DROPPED)
        return _within_float32(np.where(np.isfinite(x), kept.view(np.float64), x))

    def _lost(self, total: np.ndarray, count: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """What a sum of so many terms, whose squares sum up to so much, loses one after the other.

        The j-th of k additions loses in proportion to what has been summed till then: of terms whose signs change
        √(j/k) times the root of their squares, a random walk; of terms of one sign j/k of the total. Squared and
        summed over j, these are here.
        """
        walked = np.maximum(count - 1, 0) * (squares / 2 + np.square(total, dtype=squares.dtype) / 3)
        chance = self._chance(total)
        halves = (chance >> 32).astype(np.float32) + (chance & 0xFFFFFFFF).astype(np.float32)  # their sum is triangular
        return ADDITION * np.sqrt(walked) * (halves * np.float32(2**-32) - 1) * np.float32(6**0.5)

    def _chance(self, x: np.ndarray) -> np.ndarray:
        """uint64 of x's shape, drawn anew for each operation; equal numbers draw alike.

        So they do in float32: what is the same in all images is rounded the same way in all, and their errors add up.
        """
        assert self.rng
        mixed = np.array(x, np.float64, order="C").view(np.uint64) ^ self.rng.integers(2**64, dtype=np.uint64)
        for odd in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9):  # Knuth's and Steele's
            mixed = mixed * np.uint64(odd)
            mixed ^= mixed >> np.uint64(32)
        return mixed * np.uint64(0x94D049BB133111EB)


def _possible(exact: np.ndarray, sampled: np.ndarray, largest: np.ndarray | None) -> np.ndarray:
    """A sampled sum, kept to what float32 may make of it.

    An addition is off by no more than the smaller of its two numbers. So a sum of numbers from 0 up is at least the
    largest of them, and off by twice the others at most: a probability of 1 stays 1.
    """
    if largest is None:
        return sampled
    others = exact - largest
    return np.maximum(np.clip(sampled, exact - 2 * others, exact + 2 * others), largest)


def _within_float32(x: np.ndarray) -> np.ndarray:
    """Denormal numbers are 0, as in TensorFlow and XLA, and what is too large infinite."""
    size = np.abs(x)
    return np.where(size < TINY, 0.0, np.where(size < HUGE, x, np.copysign(np.inf, x)))


def _widened(array: Any) -> np.ndarray:
    array = np.asarray(array)
    return array.astype(wide(array.dtype))
