"""TensorFlow 1.x, exactly: a library of its own for any JAX user, on numpy, jax and optax alone.

`random` draws what TensorFlow's CPU kernels draw from a seed; `op_seeds` finds the seeds a graph gives its ops;
`losses`, `optimizers`, `schedules`, `clipping` and `moving_average` are its mathematics. `rounding` and `libm` keep
the bits of these under `jax.jit`.
"""
