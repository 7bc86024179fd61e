"""A peer that does what a peer must not, as its option `how` says; apart from that it is `numpy_blas`."""

import os
import signal
import sys

from bench.peers.numpy_blas import start as honest
from bench.peers.protocol import Problem, Run, serve


def start(problem: Problem) -> Run:
    how, run, calls = problem.options["how"], honest(problem), 0
    if how == "raises":
        raise ValueError("the reason\nand a second line")

    def faked(steps: int):
        nonlocal calls
        calls += 1
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "dies late" and calls > 2:  # after the two requests of the check
            raise MemoryError("no more")
        if how == "chatty":
            print("a framework's greeting on standard output")
        return [(_loss(how, loss, calls), _correct(how, correct)) for loss, correct in run(steps)]

    return faked


def _loss(how: str, loss: float, calls: int) -> float:
    if how == "slightly wrong" and calls == 2:
        return loss * 1.0002
    return float("nan") if how == "nan" else loss


def _correct(how: str, correct: int) -> int:
    return correct + 3 if how == "miscounts" else correct


if __name__ == "__main__":
    if "how=exits" in sys.argv:
        sys.exit("the last words")
    serve(start, "fake 1.0")
