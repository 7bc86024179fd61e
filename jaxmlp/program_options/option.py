"""An option that may be left out: what it is, how it is typed, and its line of --help. Without it, it is None."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from tyro.conf import arg
from tyro.constructors import PrimitiveConstructorSpec

METAVARS = {int: "N", float: "X", str: "NAME"}
TRUTHS = {"true": True, "false": False}


def option(hint: Any, help: str, metavar: str | None = None, read: Callable[[str], Any] | None = None) -> Any:
    """The type of a field that is a `hint` or None, None by default.

    `hint` is int, float, bool, a Literal of words, a tuple of one of these, or what `read` makes of a word. A bool is
    typed alone, or with true or false behind it.
    """
    member, count = _member(hint)
    words = get_args(member) if get_origin(member) is Literal else tuple(TRUTHS) if member is bool else None

    def made(typed: Sequence[str]) -> Any:
        values = tuple((read or _reader(member))(word) for word in typed)
        if hint is bool:
            return values[0] if values else True
        return values if get_origin(hint) is tuple else values[0]

    spec = PrimitiveConstructorSpec(
        nargs="*" if count is None else count,
        metavar=metavar or _metavar(hint, member, count),
        instance_from_str=made,
        is_instance=lambda value: True,
        str_from_instance=lambda value: [str(value)],
        choices=words,
    )
    return Annotated[Union[None, hint], spec, arg(help=help, metavar=spec.metavar, help_behavior_hint="")]


def _member(hint: Any) -> tuple[Any, int | None]:
    """What each word is, and how many there are; None: any number."""
    if get_origin(hint) is not tuple:
        return hint, None if hint is bool else 1
    members = get_args(hint)
    return members[0], None if members[-1] is Ellipsis else len(members)


def _reader(member: Any) -> Callable[[str], Any]:
    return TRUTHS.__getitem__ if member is bool else str if get_origin(member) is Literal else member


def _metavar(hint: Any, member: Any, count: int | None) -> str:
    if hint is bool:
        return "[false]"
    one = METAVARS.get(member, "NAME")
    return f"{one} [{one} ...]" if count is None else " ".join([one] * count)
