"""TensorFlow 1.x, exactly: a library of its own for any JAX user, on numpy, jax and optax alone.

What is drawn: `random` (the CPU kernels' streams), `initializers`, `dropout`, `batches`, and `op_seeds`, which finds
the seeds that a graph gives its ops. What is computed: `activations`, `softmax`, `kinks`, `batch_normalization`,
`losses`, `weighted_losses`, `optimizers`, `schedules`, `clipping`, `moving_average`. Beneath them `rounding`, `eigen`,
`libm` and `glibc` keep the bits under `jax.jit`.
"""
