"""TensorFlow 1.x's activations, values and gradients, for any shape of float32 or float64.

In float32 each equals TF 1.15.5's CPU kernel to the bit, under `jit` too: value and gradient. Not so a tensor's last
`n mod 8` elements, where TF takes glibc's exp and log: sigmoid within 2e-7, elu and selu within 1.2e-7, softplus within
1e-6. In float64 exp, log and tanh are JAX's: 7 ulp, softplus 2.3e-16. Kernels: relu_op_functor.h,
softplus_op.h, softsign_op.h, cwise_ops.h (tensorflow/core/kernels) and Eigen's, in `eigen`.

Price of the bits on [60000, 1024], two CPU cores, against jax.nn's: tanh 3 %, sigmoid 12 %, elu 33 %, softplus 46 %.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxmlp.tf1 import eigen
from jaxmlp.tf1.kinks import maximum
from jaxmlp.tf1.rounding import fenced

SELU_SCALE = 1.0507009873554804934193349852946
SELU_SCALE_ALPHA = 1.7580993408473768599402175208123

One = tuple[Array]


def identity(features: ArrayLike) -> Array:
    """`tf.identity`, the linear layer's activation."""
    return jnp.asarray(features)


@jax.custom_jvp
def relu(features: ArrayLike) -> Array:
    """`tf.nn.relu`: 0 where x < 0, else x. Gradient g*[x > 0], a product: a dead unit makes NaN of an infinite g."""
    x = _floats(features)
    return jnp.where(x < 0, 0, x)


@relu.defjvp
def _relu_jvp(primals: One, tangents: One) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    return relu(x), _masked(x > 0, t)


@jax.custom_jvp
def relu6(features: ArrayLike) -> Array:
    """`tf.nn.relu6`: x within [0, 6]. Gradient g*[0 < x < 6], 0 at both kinks."""
    x = _floats(features)
    return jnp.where(x < 0, 0, jnp.where(x > 6, 6, x))


@relu6.defjvp
def _relu6_jvp(primals: One, tangents: One) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    return relu6(x), _masked((x > 0) & (x < 6), t)


def crelu(features: ArrayLike, axis: int = -1) -> Array:
    """`tf.nn.crelu`: relu of x and of -x, side by side along `axis`, which becomes twice as long."""
    x = _floats(features)
    return relu(jnp.concatenate([x, -x], axis))


def leaky_relu(features: ArrayLike, alpha: float = 0.2) -> Array:
    """`tf.nn.leaky_relu`: x where x > 0, else alpha*x, with alpha rounded to float32. Gradient alpha*g at 0."""
    x = _floats(features)
    return jnp.where(x > 0, x, x * jnp.asarray(alpha, jnp.float32).astype(x.dtype))


def leaky_maximum(features: ArrayLike, alpha: float = 0.2) -> Array:
    """`tf.maximum(alpha*x, x)`, as leaky units were written before 1.4. Gradient alpha*g at 0 (`jnp`: halfway to g)."""
    x = _floats(features)
    return maximum(alpha * x, x)


@jax.custom_jvp
def elu(features: ArrayLike) -> Array:
    """`tf.nn.elu`: exp(x)-1 where x < 0, else x. Not expm1: elu(-1e-8) is 0. Gradient g*(y+1) where y < 0, else g."""
    x = _floats(features)
    return jnp.where(x < 0, _exp(x) - 1, x)


@elu.defjvp
def _elu_jvp(primals: One, tangents: One) -> tuple[Array, Array]:
    y, (t,) = elu(*primals), tangents
    return y, t * jnp.where(y < 0, y + 1, 1)


@jax.custom_jvp
def selu(features: ArrayLike) -> Array:
    """`tf.nn.selu`: 1.7580993*(exp(x)-1) where x < 0, else 1.0507010*x.

    Gradient g*(y+1.7580993) where y < 0, else g*1.0507010, also at 0 and where y rounds to 0.
    """
    x = _floats(features)
    return jnp.where(x < 0, SELU_SCALE_ALPHA * (_exp(x) - 1), SELU_SCALE * x)


@selu.defjvp
def _selu_jvp(primals: One, tangents: One) -> tuple[Array, Array]:
    y, (t,) = selu(*primals), tangents
    return y, t * jnp.where(y < 0, y + SELU_SCALE_ALPHA, SELU_SCALE)


@jax.custom_jvp
def tanh(x: ArrayLike) -> Array:
    """`tf.tanh`. Gradient g*(1-y*y). In float32 y is exactly 1 from x = 9 on, and the gradient 0."""
    x = _floats(x)
    return eigen.tanh(x) if x.dtype == jnp.float32 else jnp.tanh(x)


@tanh.defjvp
def _tanh_jvp(primals: One, tangents: One) -> tuple[Array, Array]:
    y, (t,) = tanh(*primals), tangents
    return y, t * (1 - fenced(y * y))


@jax.custom_jvp
def sigmoid(x: ArrayLike) -> Array:
    """`tf.sigmoid`. Gradient g*((1-y)*y): in float32 0 from |x| = 18 on, and by chance from 15.7 on."""
    x = _floats(x)
    return eigen.logistic(x) if x.dtype == jnp.float32 else 1 / (1 + jnp.exp(-x))


@sigmoid.defjvp
def _sigmoid_jvp(primals: One, tangents: One) -> tuple[Array, Array]:
    y, (t,) = sigmoid(*primals), tangents
    return y, t * ((1 - y) * y)


@jax.custom_jvp
def softplus(features: ArrayLike) -> Array:
    """`tf.nn.softplus`: log(1+exp(x)), not log1p; x above -limit, exp(x) below limit = log(epsilon) + 2 (-13.942385).

    Gradient g*sigmoid(x).
    """
    x = _floats(features)
    limit = np.log(np.finfo(x.dtype).eps) + np.asarray(2, x.dtype)
    power = _exp(x)
    middle = eigen.log(1 + power) if x.dtype == jnp.float32 else jnp.log(1 + power)
    return jnp.where(x > -limit, x, jnp.where(x < limit, power, middle))


@softplus.defjvp
def _softplus_jvp(primals: One, tangents: One) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    return softplus(x), t * sigmoid(x)


@jax.custom_jvp
def softsign(features: ArrayLike) -> Array:
    """`tf.nn.softsign`: x/(1+|x|), NaN at infinity. Gradient g/((1+|x|)*(1+|x|)), which underflows to 0, never NaN."""
    x = _floats(features)
    return x / (1 + jnp.abs(x))


@softsign.defjvp
def _softsign_jvp(primals: One, tangents: One) -> tuple[Array, Array]:
    (x,), (t,) = primals, tangents
    return softsign(x), t / jnp.square(1 + jnp.abs(x))


def _masked(mask: Array, t: Array) -> Array:
    """t times 1 or 0; XLA would make a choice between t and 0 of that product, and lose the NaN of inf times 0."""
    return jnp.where(mask, t, t * 0)


def _floats(values: ArrayLike) -> Array:
    array = jnp.asarray(values)
    if array.dtype not in (jnp.float32, jnp.float64):
        raise ValueError(f"an activation takes float32 or float64, not {array.dtype}")
    return array


def _exp(x: Array) -> Array:
    return eigen.exp(x) if x.dtype == jnp.float32 else jnp.exp(x)
