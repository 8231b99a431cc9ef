"""Runs that are killed at random moments and resumed, until they are complete: `python -m tests.killed FOLDER`.

Every attempt is a process of its own, forked from this one, that kills itself before its n-th step, flush or
rename of a file.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tanglert.train import Options, Silent, run_search
from tests import tiny

CASES: dict[str, dict[str, Any]] = {
    name: {"optimizer": name}
    for name in ("darts", "gdas", "drnas", "fairnas", "random-a", "sandwich", "shrinking")
} | {name: {"optimizer": "spos", "strategy": name} for name in ("random", "evolution", "nsga2")}
KILLS = 2


def options(case: str) -> Options:
    small = {"epochs": 3, "batch_size": 40, "evaluations": 6, "random": 2, "seed": 5, "save_every": 2}
    return Options(**{**small, **CASES[case]})


class Countdown(Silent):
    """Kills its process at the n-th of what it counts."""

    def __init__(self, moments: int) -> None:
        self.left = moments
        os.fsync, os.replace = self.before(os.fsync), self.before(os.replace)

    def before(self, function: Callable[..., None]) -> Callable[..., None]:
        def counted(*args: Any) -> None:
            self.step()
            function(*args)

        return counted

    def step(self, *_: Any) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def attempt(case: str, folder: Path, moments: int) -> bool:
    """Whether a process came to the end of the run; one that is not to die has -1 moments."""
    child = os.fork()
    if child == 0:
        warnings.simplefilter("ignore")
        resume = (folder / "config.json").exists()
        run_search(tiny, tiny.blobs(), options(case), folder, Countdown(moments), resume=resume)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"{case} failed"
    return os.WIFEXITED(status)


def main() -> None:
    torch.set_num_threads(1)
    moments = random.Random(1)
    for case in CASES:
        folder = Path(sys.argv[1], case)
        killed = [not attempt(case, folder, moments.randint(2, 24)) for _ in range(KILLS)]
        assert all(killed), f"{case} was over before it was killed"
        assert attempt(case, folder, -1)


if __name__ == "__main__":
    main()
