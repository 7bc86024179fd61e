"""TensorFlow 1.x, exactly: a library of its own for any JAX user, on numpy, jax and optax alone.

`random` draws what TensorFlow's CPU kernels draw from a seed; `op_seeds` finds the seeds a graph gives its ops;
`activations`, `softmax`, `kinks`, `losses`, `weighted_losses`, `batch_normalization` and
`optimizers` are its mathematics.
"""
