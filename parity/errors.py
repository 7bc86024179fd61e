"""What keeps parity from comparing, as opposed to exit code 1, "compared, and they differ": one line each."""


class ParityError(Exception):
    """What the user can mend. The message is one line: what is wrong, and what would be right."""

    exit_code = 2


class CannotCompare(ParityError):
    """There is no reference, or it cannot be held against the subject: names what is missing and how to get it."""


class OracleFailed(CannotCompare):
    """TensorFlow was asked and did not answer: it was killed, hung or crashed; carries the end of what it said."""
