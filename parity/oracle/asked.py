"""What TensorFlow is asked, and what it answers. Both have names for `ask.py`, its many users, and `answer.py`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from parity.compare.tensor import Named


class Case(NamedTuple):
    """What TensorFlow is asked about: a program and the data it runs on."""

    program: Mapping[str, Any]  # as `jaxmlp.program.Program.as_dict` has it
    digest: str  # the program's identity
    data: Named  # train_images uint8 [N, P], train_labels uint8 [N], test_images, test_labels
    classes: int
    source: str  # of the data, in words


class Question(NamedTuple):
    """One question to `py37/serve.py`, which describes them, and the arrays it carries."""

    ask: dict[str, Any]
    arrays: Named = {}  # noqa: RUF012  (never changed)


class Answers(NamedTuple):
    """The arrays that answer each question, and which TensorFlow it was; or why it has no answer."""

    arrays: list[Named]
    provenance: dict[str, Any]
    error: str = ""  # TensorFlow's own words: an impossible program, say
