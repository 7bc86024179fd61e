"""Which names `--data` understands: checked when options are read, long before pixels are. No numpy."""

import difflib
import re

from jaxmlp.errors import ConfigError

_SUGGESTIONS = ("auto", "mnist", "generated", "tfds:mnist", "tfds:fashion_mnist", "tfds:kmnist", "tfds:emnist/balanced")
_TFDS = re.compile(r"tfds:[a-z]\w*(/[\w.-]+)?(:[\d.*]+)?", re.ASCII)
_GENERATED = re.compile(r"generated(:0*[1-9]\d{0,11})?", re.ASCII)


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
