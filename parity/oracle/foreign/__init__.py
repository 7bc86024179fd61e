"""Runs somebody else's TensorFlow 1.x script under the recorder of `py37/recorder`, in private places, and tells."""
