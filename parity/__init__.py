"""The proof: whether the JAX port computes what the TensorFlow 1.x program computes. `python -m parity`."""
