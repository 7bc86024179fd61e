"""What keeps parity from comparing, as opposed to exit code 1, "compared, and they differ"."""


def one_line(text: str) -> str:
    """Names out of a damaged file may hold anything: what would break a line, or what a terminal obeys, is escaped."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


class CannotCompare(Exception):
    """The two cannot be held against each other. One line to mend it by: what is wrong, what would be right."""

    exit_code = 2

    def __init__(self, message: str):
        super().__init__(one_line(message))


class OracleFailed(CannotCompare):
    """TensorFlow was asked and did not answer: it was killed, hung or crashed; carries the end of what it said."""
