"""What keeps parity from comparing at all: one line each, exit code 2, as opposed to 1, "compared, and they differ"."""

from jaxmlp.errors import JaxmlpError


class CannotCompare(JaxmlpError):
    """There is no reference, or it cannot be held against the port: names what is missing and how to get it."""


class OracleFailed(CannotCompare):
    """TensorFlow was asked and did not answer: it was killed, hung or crashed; carries the end of what it said."""
