"""The original TensorFlow 1.x MNIST program in JAX; the command is `python -m jaxmlp.train`."""

__version__ = "0.1.0"
