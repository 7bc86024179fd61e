"""glibc's float32 logf, sinf and cosf, bit for bit, for `random`: TensorFlow's Box-Muller calls them.

They are polynomials in double rounded once to float32, and not correctly rounded, so no other library gives their
last bits. Constants: Arm optimized-routines (math/logf_data.c, math/sincosf_data.c; MIT), which glibc 2.28+ uses.
"""

import numpy as np

_hex = float.fromhex

LN2 = _hex("0x1.62e42fefa39efp-1")
LOG_A = tuple(map(_hex, ("-0x1.00ea348b88334p-2", "0x1.5575b0be00b6ap-2", "-0x1.ffffef20a4123p-2")))
LOG_OFFSET = np.int32(0x3F330000)
# fmt: off
INVC = np.array([_hex(h) for h in (
    "0x1.661ec79f8f3bep+0", "0x1.571ed4aaf883dp+0", "0x1.49539f0f010bp+0", "0x1.3c995b0b80385p+0",
    "0x1.30d190c8864a5p+0", "0x1.25e227b0b8eap+0", "0x1.1bb4a4a1a343fp+0", "0x1.12358f08ae5bap+0",
    "0x1.0953f419900a7p+0", "0x1p+0", "0x1.e608cfd9a47acp-1", "0x1.ca4b31f026aap-1",
    "0x1.b2036576afce6p-1", "0x1.9c2d163a1aa2dp-1", "0x1.886e6037841edp-1", "0x1.767dcf5534862p-1")])
LOGC = np.array([_hex(h) for h in (
    "-0x1.57bf7808caadep-2", "-0x1.2bef0a7c06ddbp-2", "-0x1.01eae7f513a67p-2", "-0x1.b31d8a68224e9p-3",
    "-0x1.6574f0ac07758p-3", "-0x1.1aa2bc79c81p-3", "-0x1.a4e76ce8c0e5ep-4", "-0x1.1973c5a611cccp-4",
    "-0x1.252f438e10c1ep-5", "0x0p+0", "0x1.aa5aa5df25984p-5", "0x1.c5e53aa362eb4p-4",
    "0x1.526e57720db08p-3", "0x1.bc2860d22477p-3", "0x1.1058bc8a07ee1p-2", "0x1.4043057b6ee09p-2")])
# fmt: on
TWO_OVER_PI = _hex("0x1.45F306DC9C883p-1")
HALF_PI = _hex("0x1.921FB54442D18p0")
S = tuple(map(_hex, ("-0x1.555545995a603p-3", "0x1.1107605230bc4p-7", "-0x1.994eb3774cf24p-13")))
C = tuple(
    map(_hex, ("-0x1.ffffffd0c621cp-2", "0x1.55553e1068f19p-5", "-0x1.6c087e89a359dp-10", "0x1.99343027bf8c3p-16"))
)


def logf(x: np.ndarray) -> np.ndarray:
    """Natural logarithm of positive, normal float32 -> float32."""
    bits = x.view(np.int32)
    shifted = bits - LOG_OFFSET
    index = (shifted >> 19) & 15
    exponent = (shifted >> 23).astype(np.float64)
    mantissa = (bits - (shifted & np.int32(-(1 << 23)))).view(np.float32).astype(np.float64)
    r = mantissa * INVC[index] - 1.0
    y0 = LOGC[index] + exponent * LN2
    r2 = r * r
    return ((LOG_A[0] * r2 + (LOG_A[1] * r + LOG_A[2])) * r2 + (y0 + r)).astype(np.float32)


def cosf_sinf(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine of float32 in [0, 2 pi) -> two float32 arrays."""
    angle = v.astype(np.float64)
    quadrant = np.floor(angle * TWO_OVER_PI + 0.5)
    x = angle - quadrant * HALF_PI
    x2 = x * x
    x3, x4 = x2 * x, x2 * x2
    s = ((x + x3 * S[0]) + (x3 * x2) * (S[1] + x2 * S[2])).astype(np.float32)
    c = (((1.0 + x2 * C[0]) + x4 * C[1]) + (x4 * x2) * (C[2] + x2 * C[3])).astype(np.float32)
    n = quadrant.astype(np.int8)
    odd = (n & 1).astype(bool)
    sine, cosine = np.where(odd, c, s), np.where(odd, s, c)
    return np.where((n + 1) & 2, -cosine, cosine), np.where(n & 2, -sine, sine)
