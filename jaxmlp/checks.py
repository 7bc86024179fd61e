"""What a value must be, said in one line that names it: checks of `Program`, `Execution` and the commands' options."""

import difflib
import re
from collections.abc import Collection

from jaxmlp.errors import ConfigError

FLOAT32_MAX = 3.4028234663852886e38
FLOAT32_TINY = 1.401298464324817e-45  # the smallest positive float32; below it a value would silently become 0
_SUGGESTIONS = ("auto", "mnist", "generated", "tfds:mnist", "tfds:fashion_mnist", "tfds:kmnist", "tfds:emnist/balanced")
_TFDS = re.compile(r"tfds:[a-z]\w*(/[\w.-]+)?(:[\d.*]+)?", re.ASCII)
_GENERATED = re.compile(r"generated(:0*[1-9]\d{0,11})?", re.ASCII)


def require(name: str, value: object, holds: bool, allowed: str) -> None:
    """Raises `ConfigError` naming field, value and what is allowed, unless it holds."""
    if not holds:
        raise ConfigError(f"{name} = {value!r} is impossible: it must be {allowed}")


def require_count(name: str, value: object) -> None:
    """Raises `ConfigError` unless `value` is a whole number from 1 up."""
    require(name, value, is_whole(value) and value >= 1, "a whole number from 1 up")  # pyright: ignore[reportOperatorIssue]


def require_float32(name: str, value: object) -> None:
    """Raises `ConfigError` unless `value` is positive and neither 0 nor infinite as a float32."""
    holds = isinstance(value, int | float) and not isinstance(value, bool) and FLOAT32_TINY <= value <= FLOAT32_MAX
    require(name, value, holds, "a positive number that float32 can hold")


def is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def meant(name: str, known: Collection[str]) -> str:
    """What to say behind an unknown name: the nearest of those known, or all of them."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"


def require_data_name(data: str) -> None:
    """Raises `ConfigError` unless `data.load` understands `data`; touches neither disk nor network."""
    if data in ("auto", "mnist") or _TFDS.fullmatch(data) or _GENERATED.fullmatch(data):
        return
    if data.startswith("generated:"):
        wanted = "the number of generated digits must be a positive integer, as in generated:6000"
        raise ConfigError(f"data = {data!r}: {wanted}")
    close = difflib.get_close_matches(data.lower(), _SUGGESTIONS, n=1)
    close = close or [name for name in _SUGGESTIONS if name.endswith(f":{data}")]
    hint = f"; did you mean {close[0]}?" if close else ""
    raise ConfigError(f"data = {data!r} is not one of auto, mnist, tfds:NAME[/CONFIG] or generated[:N]{hint}")
