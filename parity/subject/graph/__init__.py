"""Somebody's TensorFlow 1.x graph, evaluated and trained in JAX without TensorFlow.

`graph` holds its nodes and constants, `evaluation` computes tensors of it, `ops` has what each type of op computes,
`step` makes a training step of it. Beneath them: `values` (constants are NumPy's and stay static under `jax.jit`),
`conditions` (tf.cond), `functions` (tf.function), `writes` and `optimizers` (what changes a variable).
"""
