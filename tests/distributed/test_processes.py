"""Two processes under torchrun: the same as one with the doubled batch, the same as each other, and robust."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from tanglert.train import CheckpointFile, RunError, run_search
from tanglert.train.options import Optimizer
from tests import tiny
from tests.distributed import plain
from tests.distributed.jobs import options

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def torchrun(folder: Path, *jobs: str, restarts: int = 0) -> None:
    """Runs the jobs in two processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["--max-restarts", str(restarts), "-m", "tests.distributed.jobs", str(folder), *jobs]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "runtime")])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One start of two processes that do almost everything."""
    path = tmp_path_factory.mktemp("processes")
    torchrun(path, "share", "differ", "methods", "refuse", "stop")
    return path


@pytest.mark.parametrize("case", plain.CASES)
def test_two_processes_equal_one_with_the_doubled_batch(case: str, folder: Path) -> None:
    first, second = (torch.load(folder / f"{case} {rank}.pt") for rank in (0, 1))
    assert tiny.same(first, second)
    torch.testing.assert_close(first, plain.trained(plain.engine(case, 40)), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("optimizer", get_args(Optimizer))
def test_processes_hold_the_same_and_find_the_same(optimizer: str, folder: Path) -> None:
    """In `methods` they compare weights, optimisers, alphas and generators at every step."""
    first, second = ((folder / f"{optimizer} {rank}.json").read_text() for rank in (0, 1))
    assert first == second
    written = json.loads((folder / optimizer / "result.json").read_text())
    assert {**written, "seconds": 0.0, "memory": None} == json.loads(first)


def test_only_one_process_writes(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / "drnas" / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines if line["kind"] == "epoch"] == [1, 2]


def test_a_weight_that_differs_is_named(folder: Path) -> None:
    for rank in (0, 1):
        text = (folder / f"differ {rank}.txt").read_text()
        assert text.startswith("the 2 processes do not hold the same weights.last.weight before step 1")


def test_what_the_first_process_finds_wrong_stops_all(folder: Path) -> None:
    for rank in (0, 1):
        assert "already holds a run" in (folder / f"refuse {rank}.txt").read_text()


def test_a_signal_to_one_process_stops_all_at_the_same_step(folder: Path) -> None:
    texts = {(folder / f"stopped {rank}.txt").read_text() for rank in (0, 1)}
    assert len(texts) == 1 and "after step 4 of 6" in texts.pop()
    assert outcome(folder / "stopped") == outcome(folder / "drnas")


def outcome(run: Path) -> tuple[Any, ...]:
    """What a run found, without its times and memory."""
    result = json.loads((run / "result.json").read_text())
    weights = CheckpointFile(run / "checkpoint.pt", tiny.SPACE).load()["search"]["engine"]["weights"]
    return {**result, "seconds": 0.0, "memory": None}, {name: w.tolist() for name, w in weights.items()}


def test_another_number_of_processes_is_another_run(folder: Path) -> None:
    with pytest.raises(RunError, match="was started with 2 processes, this is 1"):
        run_search(tiny, tiny.blobs(), options(), folder / "stopped", resume=True)


def test_a_process_that_is_killed_leaves_a_checkpoint_from_which_torchrun_goes_on(tmp_path: Path) -> None:
    torchrun(tmp_path, "straight", "kill", restarts=1)
    assert outcome(tmp_path / "killed") == outcome(tmp_path / "straight")
