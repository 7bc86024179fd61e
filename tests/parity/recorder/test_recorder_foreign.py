"""A script is run in private places, bounded, and each way to fail is told in one line."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from parity.errors import CannotCompare
from parity.oracle.foreign import child, places, reproduced
from parity.oracle.foreign.record import Wishes
from parity.oracle.foreign.record import record as record_script
from parity.oracle.foreign.script import find
from parity.oracle.foreign.verdict import require_recorded, require_training

ONE_WEIGHT = """
import sys, tensorflow as tf
w = tf.get_variable("w", [3], initializer=tf.ones_initializer())
train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(tf.square(w)))
sess = tf.Session()
sess.run(tf.global_variables_initializer())
"""
FAILING = {
    "python_2": ("print 'no brackets'\n", "is written for Python 2"),
    "python_2_names": ("for i in xrange(3): pass\n", "is written for Python 2"),
    "python_2_urllib": ("import urllib; urllib.urlretrieve('http://x.org/y')\n", "is written for Python 2"),
    "own_error": ("raise ValueError('my own')\n", "fails by itself before it trains: ValueError: my own"),
    "exit": ("import sys; sys.exit(3)\n", "fails by itself before it trains: sys.exit(3)"),
    "missing": ("import pandas_not_here\n", "needs the module pandas_not_here"),
    "missing_by_another_name": ("import skimage.io\n", "-m pip install scikit-image`"),
    "refused": ("import urllib.request as r; r.urlopen('http://x.org/y.gz')\n", "downloads http://x.org/y.gz: name"),
    "socket": ("import socket; socket.create_connection(('10.0.0.1', 80))\n", "downloads 10.0.0.1"),
    "eager": ("import tensorflow as tf; tf.enable_eager_execution(); print(tf.ones(2) + 1)\n", "runs eagerly"),
    "never": ("import tensorflow as tf; print(tf.Session().run(tf.ones(2)))\n", "never trains"),
    "window": (ONE_WEIGHT + "import matplotlib.animation as a; a.FuncAnimation(None, sess.run)\n", "shown window"),
    "forks": (ONE_WEIGHT + "import os; p = os.fork() or os._exit(0); os.waitpid(p, 0)\n", "it started 1 others"),
    "partial": (
        ONE_WEIGHT
        + "with tf.control_dependencies([train]): out = tf.identity(2.0)\n"
        + "sess.partial_run(sess.partial_run_setup([out], []), out)\n",
        "Session.partial_run only",
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_script_that_is_not_recorded_is_told_why_in_one_line(record, tmp_path, name):
    source, wanted = FAILING[name]
    raw = record.text(source, tmp_path / name)
    with pytest.raises(CannotCompare) as told:
        require_training("script.py", raw.about, tmp_path / "traceback.txt")
    assert wanted in str(told.value)
    assert "\n" not in str(told.value)


def test_a_traceback_is_the_scripts_own(record, tmp_path):
    raw = record.text("def f():\n    raise ValueError('deep')\nf()\n", tmp_path / "x")
    assert raw.about["failure"].count("File ") == 2
    assert "recorder" not in raw.about["failure"].replace(str(tmp_path), "")


def test_an_endless_script_that_catches_everything_stops_with_its_recording(record, tmp_path):
    source = ONE_WEIGHT + "while True:\n    try: sess.run(train)\n    except: pass\n"
    raw = record.text(source, tmp_path / "x", max_steps=7)
    assert (raw.about["status"], raw.program["runs"]) == ("stopped at --max-steps", 7)


def test_an_endless_script_stops_at_the_time_limit(record, tmp_path):
    raw = record.text(ONE_WEIGHT + "while True: sess.run(train)\n", tmp_path / "x", time_limit=1.0)
    assert raw.about["status"] == "stopped at --time-limit"


def test_a_script_that_fails_or_leaves_after_training_is_recorded_all_the_same(record, tmp_path):
    failed = record.text(ONE_WEIGHT + "sess.run(train)\nraise KeyError('late')\n", tmp_path / "failed")
    assert (failed.about["status"], failed.program["steps"]) == ("failed", [0])
    left = record.text(ONE_WEIGHT + "sess.run(train)\nimport os; os._exit(0)\n", tmp_path / "left")
    assert (left.about["status"], left.program["steps"]) == ("ended", [0])
    assert np.array_equal(left.finals()["w"], left.step("after")["w"])


def test_what_is_not_recorded_is_named(record, tmp_path):
    source = """
import tensorflow as tf
table = tf.Variable(tf.ones([5, 2]))
other = tf.Variable(1.0)
looped = tf.while_loop(lambda i, x: i < 2, lambda i, x: (i + 1, x + tf.random_normal([])), [0, 0.0])[1]
loss = tf.reduce_sum(tf.gather(table, [1, 3])) + looped
train = tf.train.AdagradOptimizer(0.1).minimize(loss, var_list=[table])
sess = tf.Session()
sess.run(table.initializer)
sess.run(tf.variables_initializer(tf.global_variables()[2:]))
sess.run([train, tf.cond(loss > 0, lambda: tf.identity(2.0), lambda: other)])
"""
    raw = record.text(source, tmp_path / "x")
    notes = raw.notes
    assert any(note.startswith("inside a while loop, it is not recorded: draw ") for note in notes)
    assert "not initialised when it was read: Variable_1" in notes


def test_steps_that_the_script_never_reaches_are_told(record):
    raw = record("raw_weights_adam.py", steps=[50])
    with pytest.raises(CannotCompare, match=r"9 training runs, counted from 0, and none is among --steps 50"):
        require_recorded("x.py", raw.about, (50,))


def test_a_whole_recording_runs_twice_plain_and_moves_away_what_was_made_elsewhere(tf115, tmp_path):
    folder, made = tmp_path / "own", tmp_path / "made"
    folder.mkdir()
    (folder / "data.txt").write_text("5")
    source = (
        ONE_WEIGHT
        + f"""
import os
n = int(open("data.txt").read())
open("data.txt", "w").write("1")
os.makedirs({str(made)!r})
print(os.environ["HOME"], "x" * 100)
for _ in range(n): sess.run(train)
"""
    )
    (folder / "train.py").write_text(source)
    script = find("train.py", (), False, folder)
    raw = record_script(script, Wishes(steps=(0, 4)), tmp_path / "out", lambda what: None)
    assert raw["programs"][0]["runs"] == 5
    assert raw["reproduced"] == {"plain_runs": 2, "compared": 1, "between_plain": [], "by_recording": []}
    assert (folder / "data.txt").read_text() == "5"
    assert not made.exists()
    assert raw["elsewhere"] == [[str(made), False]]
    assert raw["script"]["sha256"] == script.sha256
    assert os.environ["HOME"] not in (tmp_path / "out" / "log.txt").read_text().split()
    assert json.loads((tmp_path / "out" / "raw.json").read_text())["programs"] == raw["programs"]


def test_runs_that_differ_are_told_tensor_by_tensor(rng):
    first = {name: rng.random(3, np.float32) for name in ("0|a", "0|b", "0|c")}
    second = {**first, "0|b": np.nextafter(first["0|b"], np.float32(9))}
    recorded = {**first, "0|c": first["0|c"] + 1}
    told = reproduced.compared((first, second), recorded)
    assert told == (3, ("0|b",), ("0|c",))
    assert reproduced.compared((first, first, second, recorded), recorded) == (3, ("0|b", "0|c"), ())


def test_the_copy_finds_what_stands_beside_the_folder_and_keeps_what_is_written_above(tmp_path):
    own = tmp_path / "repository" / "code"
    own.mkdir(parents=True)
    (own / "train.py").write_text("")
    (own.parent / "data").mkdir()
    made = places.make(tmp_path / "run", own)
    assert (made.work / "train.py").is_file()
    assert (made.work / ".." / "data").resolve() == own.parent / "data"
    (made.work / ".." / "runs").mkdir()
    assert not (own.parent / "runs").exists()


def run(code: str, tmp_path: Path, limit: float | None) -> child.Ended:
    return child.run([sys.executable, "-c", code], tmp_path, dict(os.environ), tmp_path / "log", tmp_path, limit)


def test_what_a_script_says_is_bounded_and_counted(tmp_path):
    ended = run("import sys; [sys.stdout.write('x' * 2**20) for _ in range(20)]", tmp_path, 60)
    assert (ended.returncode, ended.said) == (0, 20 << 20)
    assert (tmp_path / "log").stat().st_size == child.MOST_SAID


def test_no_child_is_left_that_leaves_its_group(tmp_path):
    code = "import os, subprocess as s; p = s.Popen(['sleep', '600'], start_new_session=True); print(p.pid)"
    assert run(code, tmp_path, 60).why == ""
    assert is_gone(int((tmp_path / "log").read_text()))


def test_a_script_beyond_its_time_is_killed_with_its_children(tmp_path):
    code = "import subprocess as s, time; print(s.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
    assert run(code, tmp_path, 2).why == "time"
    assert is_gone(int((tmp_path / "log").read_text()))


def test_nothing_runs_on_when_the_one_who_waits_is_killed(tf115, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "endless.py").write_text(
        f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)\n"
    )
    code = f"""
from pathlib import Path
from parity.oracle.foreign.record import Wishes, record
from parity.oracle.foreign.script import find
here = Path({str(tmp_path / "own")!r})
record(find("endless.py", (), False, here), Wishes(), Path({str(tmp_path / "out")!r}), print)
"""
    with subprocess.Popen([sys.executable, "-c", code]) as waiting:
        started = tmp_path / "pid"
        for _ in range(1200):
            if started.exists() and started.read_text():
                break
            time.sleep(0.1)
        waiting.send_signal(signal.SIGKILL)
    assert is_gone(int(started.read_text()))


def is_gone(pid: int) -> bool:
    """Within seconds; a zombie that waits for its parent is gone."""
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_a_sandbox_takes_network_and_disk_away_and_records_all_the_same(tf115, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "secret").write_text("mine")
    source = f"""
import os, socket
print("SECRET", os.path.exists({str(tmp_path / "secret")!r}))
print("NETWORK", [name for _, name in socket.if_nameindex()])
try: open("/usr/made", "w")
except OSError as error: print("USR", error.strerror)
sess.run(train)
"""
    (tmp_path / "own" / "train.py").write_text(ONE_WEIGHT + source)
    script, wishes = find("train.py", (), False, tmp_path / "own"), Wishes(once=True, sandbox=True)
    raw = record_script(script, wishes, tmp_path / "out", lambda what: None)
    assert raw["programs"][0]["steps"] == [0]
    said = (tmp_path / "out" / "log.txt").read_text()
    assert "SECRET False" in said
    assert "NETWORK ['lo']" in said
    assert "USR Read-only file system" in said
