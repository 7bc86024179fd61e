"""Why a script stopped, in its own words: its traceback without the recorder's frames, and whether it is Python 2."""

from __future__ import annotations

import os
import traceback
from lib2to3 import pygram, pytree
from lib2to3.pgen2 import driver, parse, tokenize

from .shim import RENAMED, SAMPLED_LOSSES, SUMMARIES

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON_2 = (  # what Python 2's own modules and names are missed by
    *(
        "No module named 'urllib2'",
        "No module named 'cPickle'",
        "No module named 'Queue'",
        "No module named 'urlparse'",
    ),
    *("No module named 'StringIO'", "No module named 'ConfigParser'", "No module named 'Tkinter'"),
    *("name 'xrange' is not defined", "name 'raw_input' is not defined", "name 'unicode' is not defined"),
    *(f"module 'urllib' has no attribute '{name}'" for name in ("urlretrieve", "urlopen", "urlencode", "quote")),
    *("has no attribute 'iteritems'", "has no attribute 'has_key'", "has no attribute 'itervalues'"),
)
SWAPPED = ("concat", "split", *SAMPLED_LOSSES)  # TensorFlow's functions whose arguments came in another order
AT_END = 12  # frames in which TensorFlow finds that out


def told(error: BaseException) -> str:
    """The traceback as Python would print it without a recorder."""
    told = traceback.TracebackException.from_exception(error)
    one = told
    while one is not None:
        one.stack = traceback.StackSummary.from_list([frame for frame in one.stack if not _ours(frame.filename)])
        one = one.__cause__ or one.__context__
    return "".join(told.format())


def is_python_2(error: BaseException) -> bool:
    """Whether what stopped it is that it was written for Python 2."""
    if isinstance(error, SyntaxError) and error.filename and os.path.exists(error.filename):
        with open(error.filename, encoding="utf-8", errors="replace") as file:
            return _parses_as_2(file.read())
    if isinstance(error, SyntaxError):
        return "Missing parentheses in call to" in str(error)
    return any(sign in str(error) for sign in PYTHON_2)


def is_older_than_1_0(error: BaseException) -> bool:
    """Whether what stopped it is a name or an order of arguments that the shim knows."""
    missing = [name for name in (*RENAMED, *SUMMARIES, "SummaryWriter") if f"has no attribute '{name}'" in str(error)]
    swapped = any(frame.name in SWAPPED for frame in traceback.extract_tb(error.__traceback__)[-AT_END:])
    return bool(missing) or swapped or "with named arguments (labels=" in str(error)


def _parses_as_2(source: str) -> bool:
    try:
        driver.Driver(pygram.python_grammar, convert=pytree.convert).parse_string(source + "\n")
    except (parse.ParseError, tokenize.TokenError, IndentationError):
        return False
    return True


def _ours(filename: str) -> bool:
    return filename.startswith(HERE) or os.path.basename(filename) == "runpy.py"


def of_exit(error: SystemExit) -> str | None:
    """None where the script said that all is well."""
    return None if error.code in (None, 0, False) else f"sys.exit({error.code!r})\n"
