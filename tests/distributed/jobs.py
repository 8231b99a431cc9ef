"""What the processes of `test_processes.py` do: `torchrun -m tests.distributed.jobs FOLDER JOB…`."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import torch

from tanglert.train import Interrupted, Options, RunError, Silent, run_search
from tanglert.train import engine as engines
from tanglert.train import run as runs
from tanglert.train.distributed import ProcessesDiffer, World, joined, restarted
from tanglert.train.options import Optimizer
from tests import tiny
from tests.distributed import plain


def options(optimizer: str = "drnas", **changes: Any) -> Options:
    small = {"epochs": 2, "batch_size": 20, "validation": 0.5, "evaluations": 6, "random": 2, "seed": 5}
    return Options(**{"optimizer": optimizer, "warmup_epochs": 1, **small, **changes})


def share(world: World, folder: Path) -> None:
    """Every loop with half of the batch in each process."""
    for case in plain.CASES:
        state = plain.trained(plain.engine(case, 20, world))
        torch.save(state, folder / f"{case} {world.rank}.pt")


def methods(world: World, folder: Path) -> None:
    """Every method from end to end, all its state compared at every step."""
    engines.COMPARE_EVERY = 1
    for optimizer in get_args(Optimizer):
        result = run_search(tiny, tiny.blobs(), options(optimizer), folder / optimizer)
        text = replace(result, seconds=0.0, memory=None).to_json()
        (folder / f"{optimizer} {world.rank}.json").write_text(text)


class Signal(Silent):
    """Sends a signal to one process only: it alone has a step of `Signal` to report to."""

    def __init__(self, at: int, number: signal.Signals) -> None:
        self.at, self.number = at, number

    def step(self, epoch: int, step: int, losses: Mapping[str, float]) -> None:
        if step == self.at:
            os.kill(os.getpid(), self.number)


def in_the_second(world: World, at: int, number: signal.Signals) -> None:
    """Lets the second process, which reports to nobody, get a signal."""
    if world.rank == 1:
        runs.Silent = lambda: Signal(at, number)  # type: ignore[misc, assignment]


def stop(world: World, folder: Path) -> None:
    """Only the second process is asked to stop; then the run goes on."""
    in_the_second(world, 4, signal.SIGTERM)
    try:
        run_search(tiny, tiny.blobs(), options(), folder / "stopped")
    except Interrupted as stopped:
        (folder / f"stopped {world.rank}.txt").write_text(str(stopped))
    run_search(tiny, tiny.blobs(), options(), folder / "stopped", resume=True)


def kill(world: World, folder: Path) -> None:
    """The second process dies, at its first start."""
    if not restarted():
        in_the_second(world, 5, signal.SIGKILL)
    run_search(tiny, tiny.blobs(), options(save_every=2), folder / "killed")


def straight(world: World, folder: Path) -> None:
    """What `kill` would have been."""
    run_search(tiny, tiny.blobs(), options(save_every=2), folder / "straight")


def differ(world: World, folder: Path) -> None:
    """One process changes one weight."""
    engine = plain.engine("spos", 20, world)
    engine.advance()
    if world.rank == 1:
        with torch.no_grad():
            engine.supernet.get_parameter("last.weight")[0, 0] += 1e-12
    try:
        engine.compare()
    except ProcessesDiffer as error:
        (folder / f"differ {world.rank}.txt").write_text(str(error))


def refuse(world: World, folder: Path) -> None:
    """Only the first process looks into the folder, and all hear of it."""
    try:
        run_search(tiny, tiny.blobs(), options("drnas"), folder / "drnas")
    except RunError as error:
        (folder / f"refuse {world.rank}.txt").write_text(str(error))


def main() -> None:
    torch.set_num_threads(1)
    folder, *names = sys.argv[1:]
    jobs = {job.__name__: job for job in (share, methods, stop, kill, straight, differ, refuse)}
    with joined() as world:
        for name in names:
            jobs[name](world, Path(folder))
    print(json.dumps({"rank": world.rank, "jobs": names}))


if __name__ == "__main__":
    main()
