"""`--sandbox`: takes the network and the rest of the disk from a script, by bubblewrap or by unshare (Linux)."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from parity.errors import CannotCompare

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt")  # may be read
# $1: the new root; $2, $3: how many folders may be read, and written; then those, the working folder, the command.
ENTER = """set -e
root=$1; readable=$2; writable=$3; shift 3
mount -t tmpfs none "$root"
mkdir -p "$root/proc" "$root/dev" "$root/tmp"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
share() { if [ -L "$1" ] && [ "$2" = ro ]; then mkdir -p "$(dirname "$root$1")"; cp -P "$1" "$root$1"; return; fi
mkdir -p "$root$1"; mount --bind "$1" "$root$1"; if [ "$2" = ro ]; then mount -o remount,bind,ro "$root$1"; fi; }
while [ "$readable" -gt 0 ]; do share "$1" ro; shift; readable=$((readable - 1)); done
while [ "$writable" -gt 0 ]; do share "$1" rw; shift; writable=$((writable - 1)); done
exec chroot "$root" sh -c 'cd "$1"; shift; exec "$@"' sh "$@"
"""


def inside(command: Sequence[str], where: Path, readable: Sequence[Path], writable: Sequence[Path]) -> list[str]:
    """The command that runs it with these folders only. Raises `CannotCompare` where nothing here can do that."""
    read = [*(Path(one) for one in SYSTEM if os.path.exists(one)), *readable]
    for way in (_bubblewrap, _unshare):
        found = way(command, where, read, writable)
        if found and _works(way(["true"], Path("/"), read, writable)):
            return found
    raise CannotCompare("--sandbox: neither bubblewrap (bwrap) nor unshare works here; leave it out, or install bwrap")


def _works(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _bubblewrap(command: Sequence[str], where: Path, readable: Sequence[Path], writable: Sequence[Path]) -> list[str]:
    program = shutil.which("bwrap")
    if not program:
        return []
    words = [program, "--unshare-all", "--die-with-parent", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
    for one in readable:
        words += ["--ro-bind", str(one), str(one)]
    for one in writable:
        words += ["--bind", str(one), str(one)]
    return [*words, "--chdir", str(where), *command]


def _unshare(command: Sequence[str], where: Path, readable: Sequence[Path], writable: Sequence[Path]) -> list[str]:
    """In namespaces of its own, without a capability that would lead out of them."""
    program, drop = shutil.which("unshare"), shutil.which("setpriv")
    if not program or not drop or not writable:
        return []
    root = writable[0] / "root"
    root.mkdir(exist_ok=True)
    words = [program, "--user", "--map-root-user", "--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child"]
    counts = [str(len(readable)), str(len(writable))]
    folders = [str(one) for one in (*readable, *writable)]
    dropped = [drop, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    return [*words, "sh", "-c", ENTER, "sh", str(root), *counts, *folders, str(where), *dropped, *command]
