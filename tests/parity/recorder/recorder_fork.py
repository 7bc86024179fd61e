"""Python 3.7 imports TensorFlow once and forks for every recording, so that a dozen cost no more than one start.

Reads one JSON object a line: {"where", "log", "order"}; answers with the exit status of the fork.
"""

import json
import os
import sys
import tempfile

sys.path.append(sys.argv.pop(1))
from py37.recorder import order
from py37.recorder.flight import Flight

sys.path.pop()


def fly(asked):
    log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(asked["where"])
    os.environ.update(HOME=asked["where"], TMPDIR=asked["where"])
    tempfile.tempdir = None
    del sys.argv[1:]
    Flight(order.read(json.dumps(asked["order"]))).fly()


for line in sys.stdin:
    child = os.fork()
    if child == 0:
        fly(json.loads(line))
    print(os.waitpid(child, 0)[1], flush=True)
