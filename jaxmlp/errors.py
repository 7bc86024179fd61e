"""What a user can get wrong, as exceptions with exit codes; anything else is a bug and keeps its traceback."""


def one_line(text: str) -> str:
    """Names out of a damaged file may hold anything: what would break a line, or what a terminal obeys, is escaped."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


class JaxmlpError(Exception):
    """What the user can mend. The message is one line: what is wrong, and what would be right."""

    exit_code = 2

    def __init__(self, message: str):
        super().__init__(one_line(message))


class ConfigError(JaxmlpError):
    """A hyperparameter or option that cannot be: names the field, its value and what is allowed."""


class DataError(JaxmlpError):
    """Data that is missing, damaged or not what it claims to be: names the file and what is wrong with it."""


class DataUnreachable(DataError):
    """The data is not on this machine and its source cannot be reached (as opposed to: is there, but damaged)."""


class DeviceError(JaxmlpError):
    """A device that is not there: names what is."""


class OutputError(JaxmlpError):
    """Results that could not be written: names the path."""

    exit_code = 4


class DivergedError(JaxmlpError):
    """The loss is not finite: names the step, the last finite loss, and a remedy."""

    exit_code = 3

    def __init__(self, message: str, step: int):
        super().__init__(message)
        self.step = step  # the first whose loss is not finite


class JaxmlpWarning(UserWarning):
    """What the user may want to mend, though the program goes on: one line, as an error's is."""
