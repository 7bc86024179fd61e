"""What a value must be, said in one line that names it: checks of `Program`, `Execution` and the commands' options."""

import difflib
import os
import re
from collections.abc import Collection
from importlib.util import find_spec

from jaxmlp.errors import ConfigError

FLOAT32_MAX = 3.4028234663852886e38
FLOAT32_TINY = 1.401298464324817e-45  # the smallest positive float32; below it a value would silently become 0
_FORMS = "auto, mnist, tfds:NAME[/CONFIG], idx:DIR, csv:FILE, npz:FILE or generated[:N]"
_TFDS = re.compile(r"tfds:[a-z]\w*(/[\w.-]+)?(:[\d.*]+)?", re.ASCII)
_GENERATED = re.compile(r"generated(:0*[1-9]\d{0,11})?", re.ASCII)
_FILES = re.compile(r"idx:.*|(csv|npz):.+")
_CALLED = {  # letters and figures of what people call a set: how it is asked for
    **{name: name for name in ("auto", "mnist", "generated")},
    **dict.fromkeys(("digits", "synthetic", "random", "fake"), "generated"),
    **dict.fromkeys(("fashionmnist", "fashion", "zalando"), "tfds:fashion_mnist"),
    **dict.fromkeys(("kmnist", "kuzushiji", "kuzushijimnist"), "tfds:kmnist"),
    **{f"emnist{name}": f"tfds:emnist/{name}" for name in ("balanced", "letters", "digits", "byclass", "bymerge")},
    **dict.fromkeys(("emnist", "letters"), "tfds:emnist/letters"),
    **dict.fromkeys(("emnistmnist", "tfdsmnist"), "tfds:mnist"),
    **dict.fromkeys(("qmnist", "idx", "ubyte", "torchvision"), "idx:DIR"),
    **dict.fromkeys(("csv", "kaggle"), "csv:FILE"),
    **dict.fromkeys(("npz", "numpy", "keras", "medmnist"), "npz:FILE"),
}


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


def require_number(name: str, value: object) -> None:
    """Raises `ConfigError` unless `value` is a number that is finite as a float32."""
    holds = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= FLOAT32_MAX
    require(name, value, holds, "a number that float32 can hold")


def require_keep_prob(name: str, value: object) -> None:
    """Raises `ConfigError` unless `value` is a probability above 0, of keeping a unit: 1, or less as a float32 too."""
    holds = isinstance(value, int | float) and not isinstance(value, bool) and FLOAT32_TINY <= value <= 1
    require(name, value, holds and (value == 1 or value <= 1 - 2**-24), "above 0 and at most 1, the share that is kept")


def is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def require_matplotlib(option: str) -> None:
    """Raises `ConfigError` where it is not installed: before a command's work, not after it."""
    if find_spec("matplotlib") is None:
        raise ConfigError(f"{option} needs matplotlib: pip install -e '.[plot]'")


def meant(name: str, known: Collection[str]) -> str:
    """What to say behind an unknown name: the nearest of those known, or all of them."""
    return nearest(name, known) or f"known: {', '.join(sorted(known))}"


def nearest(name: str, known: Collection[str]) -> str:
    """`did you mean X?`, X the nearest of those known; nothing where none is near."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]}?" if close else ""


def require_data_name(data: str) -> None:
    """Raises `ConfigError` unless `data.load` understands `data`; looks at the disk only to say what may be meant."""
    if data in ("auto", "mnist") or any(form.fullmatch(data) for form in (_TFDS, _GENERATED, _FILES)):
        return
    hint = _meant(data)
    raise ConfigError(f"data = {data!r} is not one of {_FORMS}{hint and '; '}{hint}")


def form_of(path: str) -> str:
    """How `--data` names the file or folder at `path`, by its ending: csv:…, npz:…, else idx:… with the folder."""
    small = path.lower()
    if small.endswith((".csv", ".csv.gz")):
        return f"csv:{path}"
    if small.endswith(".npz"):
        return f"npz:{path}"
    is_file = os.path.isfile(path) or small.endswith(("ubyte", ".gz"))
    return f"idx:{os.path.dirname(path) or '.' if is_file else path}"


def _meant(data: str) -> str:
    """What may be meant by a name that means nothing, as a question; or nothing."""
    kind, colon, rest = data.partition(":")
    kind = kind.strip().lower()
    if _GENERATED.fullmatch(data.lower()):
        return f"did you mean {data.lower()}?"
    if kind == "generated" and colon:
        return "the number of generated digits is a positive integer, as in generated:6000"
    if kind in ("csv", "npz", "idx") and (colon or kind == "idx"):
        right = f"{kind}:{rest}" if rest else {"idx": "idx:DIR"}.get(kind, f"{kind}:FILE")
        return f"did you mean {right}?"
    if _is_path(data):
        place = form_of(data)
        folder = place.removeprefix("idx:")
        beside = f", or --data mnist --data-dir {folder}" if place != folder else ""
        return f"did you mean {place}{beside}?"
    letters = re.sub(r"[^a-z0-9]", "", rest.lower() if kind == "tfds" else data.lower())
    close = difflib.get_close_matches(letters, _CALLED, n=1, cutoff=0.7)
    meant = _CALLED[close[0]] if close else ""
    return meant and f"did you mean {'tfds:mnist' if kind == 'tfds' and meant == 'mnist' else meant}?"


def _is_path(data: str) -> bool:
    """Whether it is there, or looks like a place on the disk."""
    endings = (".csv", ".npz", ".gz", ".zip", "-ubyte")
    looks = data.startswith(("/", "./", "../", "~", ".\\")) or data.lower().endswith(endings)
    return bool(data) and (
        looks or re.match(r"[A-Za-z]:\\", data) is not None or ("\0" not in data and os.path.exists(data))
    )
