"""What can go wrong with one contender; it becomes the reason in that contender's row and stops nothing else."""

from jaxmlp.errors import JaxmlpError


class ContenderFailed(Exception):
    """A contender's process failed, fell silent or cannot be started: the message is one line saying why."""


class NotComparable(JaxmlpError):
    """Two results that measured different work, or a file that is no result: names what differs."""


class ReferenceFailed(JaxmlpError):
    """jaxmlp's own dense engine, to which every loss is compared, did not run: without it nothing can be shown."""

    exit_code = 3
