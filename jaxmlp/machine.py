"""Where and how a result came about: processor, vector instructions, the command, the commit. For reports."""

import datetime
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# As Linux names them, each including those before it; what a float32 matmul's speed hangs on most.
_VECTOR = (("sse2", "SSE2"), ("avx", "AVX"), ("avx2", "AVX2"), ("avx512f", "AVX-512"), ("asimd", "NEON"))


def made(module: str) -> dict[str, str | None]:
    """When, how and where this process makes a result: its date, command, commit and processor."""
    now = datetime.datetime.now(datetime.UTC)
    told = {"date": f"{now:%Y-%m-%d %H:%M} UTC", "command": command(module), "commit": commit()}
    return {**told, "processor": processor()}


def processor() -> str:
    """For example `AMD EPYC, 2 cores, AVX-512`: its name, the cores this process may use, vector instructions."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    fields, name = _cpuinfo(), model()
    flags = set((fields.get("flags") or fields.get("Features") or "").split())
    widest = [called for flag, called in _VECTOR if flag in flags][-1:]
    return ", ".join([name, f"{cores} cores", *widest])


def model() -> str:
    """The processor's name, or its architecture where the system tells no name."""
    return _cpuinfo().get("model name", "") or platform.processor() or platform.machine()


def _cpuinfo() -> dict[str, str]:
    """The first processor's fields, as Linux tells them; nothing elsewhere."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def command(module: str, argv: Sequence[str] | None = None) -> str:
    """`python -m MODULE …` as it was typed, absolute paths cut to their last part: a result names no one's folders."""
    words = sys.argv[1:] if argv is None else argv
    return " ".join([f"python -m {module}", *(shortened(word) for word in words)])


def shortened(word: str) -> str:
    """`--json=/home/me/a.json` as `--json=a.json`, and `csv:/home/me/a.csv` as `csv:a.csv`."""
    before, value = re.fullmatch(r"(.*[=:])?(.*)", word, re.DOTALL).groups(default="")  # pyright: ignore[reportOptionalMemberAccess]
    return f"{before}{Path(value).name}" if value.startswith(("/", "~")) else word


def commit() -> str | None:
    """The clone's commit, with `, changed since` where files differ from it; None outside a clone or without git."""
    here = Path(__file__).resolve().parent.parent
    if not (here / ".git").exists():
        return None
    found, changed = _git(here, "rev-parse", "--short=12", "HEAD"), _git(here, "status", "--porcelain", "-uno")
    return f"{found}, changed since" if found and changed else found


def _git(folder: Path, *words: str) -> str | None:
    try:
        asked = ["git", "-C", str(folder), *words]
        return subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True).stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        return None
