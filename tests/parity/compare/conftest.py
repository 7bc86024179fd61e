"""A reference and a subject from the textbook, with other roundings; no TensorFlow and no JAX on either side."""

import pytest
from textbook import pair


@pytest.fixture
def small(rng):
    """Reference, subject and noises of two layers; other images at every run."""
    return pair(rng)
