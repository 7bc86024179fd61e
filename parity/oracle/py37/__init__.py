"""The only files that import TensorFlow. They run on Python 3.7 too and know nothing of this project."""
