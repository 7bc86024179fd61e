"""What keeps parity from comparing, as opposed to exit code 1, "compared, and they differ"."""


class CannotCompare(Exception):
    """The two cannot be held against each other. One line to mend it by: what is wrong, what would be right."""

    exit_code = 2


class OracleFailed(CannotCompare):
    """TensorFlow was asked and did not answer: it was killed, hung or crashed; carries the end of what it said."""
