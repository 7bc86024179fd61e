"""TensorFlow 1.x, exactly: a library of its own for any JAX user, on numpy, jax and optax alone.

`random` draws what TensorFlow's CPU kernels draw from a seed, `initializers` what its variables begin with, `dropout`
its masks, on the device; `op_seeds` finds the seeds a graph gives its ops, `batches` the rows of each minibatch;
`losses` and `optimizers` are its mathematics.
"""
