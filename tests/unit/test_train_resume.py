"""A run that is interrupted and resumed equals one that is not, bit for bit."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from tanglert.train import (
    BrokenCheckpoint,
    CheckpointFile,
    ForeignCheckpoint,
    Interrupted,
    Options,
    Result,
    RunError,
    Silent,
    run_search,
)
from tanglert.train.lock import sole_use
from tanglert.train.options import Optimizer
from tests import tiny

STEPS = 3  # 120 of 240 samples in batches of 40
METHODS = ["darts", "gdas", "drnas", "spos", "fairnas", "random-a", "sandwich", "shrinking"]
TOUCHED = ["gdas", "spos", "fairnas"]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def options(optimizer: Optimizer, **changes: Any) -> Options:
    return Options(
        optimizer=optimizer,
        **{
            "epochs": 4,
            "batch_size": 40,
            "validation": 0.5,
            "evaluations": 8,
            "random": 3,
            "seed": 5,
            **changes,
        },
    )


class StopAt(Silent):
    """Sends the process a signal after a step, or after so many architectures are ranked."""

    def __init__(self, step: int = -1, ranked: int = -1, number: signal.Signals = signal.SIGINT) -> None:
        self.at, self.ranked, self.number = step, ranked, number

    def step(self, epoch: int, step: int, losses: Mapping[str, float]) -> None:
        if step == self.at:
            os.kill(os.getpid(), self.number)

    def ranking(self, what: str, done: int, total: int, best: float) -> None:
        if done == self.ranked:
            os.kill(os.getpid(), self.number)


def outcome(folder: Path) -> tuple[Any, ...]:
    """All that a run leaves, without its times."""
    state = CheckpointFile(folder / "checkpoint.pt", tiny.SPACE).load()
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    result = json.loads((folder / "result.json").read_text())
    for record in [*lines, result]:
        record.pop("seconds", None)
        record.pop("memory", None)
    return state["search"], lines, result, (folder / "architecture.json").read_text()


def run_with_stops(chosen: Options, folder: Path, *stops: StopAt) -> Result:
    """A run that is stopped by each of `stops` in turn, then goes on to its end."""
    for number, stop in enumerate(stops):
        with pytest.raises(Interrupted, match="resume it to go on"):
            run_search(tiny, tiny.blobs(), chosen, folder, stop, resume=number > 0)
        torch.manual_seed(number)  # another process would start from another state
    return run_search(tiny, tiny.blobs(), chosen, folder, resume=bool(stops))


@pytest.mark.parametrize("optimizer", METHODS)
@pytest.mark.parametrize(
    "stops",
    [
        pytest.param([StopAt(step=1)], id="in the warm-up"),
        pytest.param([StopAt(step=2 * STEPS)], id="between epochs"),
        pytest.param([StopAt(step=2 * STEPS + 1, number=signal.SIGTERM)], id="within an epoch, terminated"),
        pytest.param([StopAt(step=1), StopAt(step=5), StopAt(step=4 * STEPS)], id="three times"),
        pytest.param([StopAt(ranked=2)], id="while ranking"),
    ],
)
def test_resumed_equals_uninterrupted(optimizer: Optimizer, stops: list[StopAt], tmp_path: Path) -> None:
    chosen = options(optimizer, warmup_epochs=1)
    run_with_stops(chosen, tmp_path / "straight")
    run_with_stops(chosen, tmp_path / "stopped", *stops)
    assert tiny.same(outcome(tmp_path / "stopped"), outcome(tmp_path / "straight"))


@pytest.mark.parametrize("weight_optimizer", ["adamw", "adam", "sgd"])
@pytest.mark.parametrize("optimizer", TOUCHED)
def test_what_is_not_read_has_its_momenta_again(
    optimizer: Optimizer, weight_optimizer: str, tmp_path: Path
) -> None:
    chosen = options(optimizer, update="touched", weight_optimizer=weight_optimizer, lr=0.01, warmup_epochs=1)
    run_with_stops(chosen, tmp_path / "straight")
    run_with_stops(chosen, tmp_path / "stopped", StopAt(step=1), StopAt(step=2 * STEPS + 1))
    assert tiny.same(outcome(tmp_path / "stopped"), outcome(tmp_path / "straight"))


@pytest.mark.parametrize("strategy", ["evolution", "nsga2"])
def test_a_search_over_architectures_goes_on_where_it_was(strategy: Any, tmp_path: Path) -> None:
    if strategy == "nsga2":
        pytest.importorskip("pymoo")
    chosen = options("spos", strategy=strategy, evaluations=6)
    run_with_stops(chosen, tmp_path / "straight")
    run_with_stops(chosen, tmp_path / "stopped", StopAt(ranked=3))
    assert tiny.same(outcome(tmp_path / "stopped"), outcome(tmp_path / "straight"))


class Kill(Silent):
    """Dies within an epoch, without a chance to save."""

    def __init__(self, step: int) -> None:
        self.at = step

    def step(self, epoch: int, step: int, losses: Mapping[str, float]) -> None:
        if step == self.at:
            raise MemoryError


@pytest.mark.parametrize("save_every", [0, 2])
@pytest.mark.parametrize("step", [1, STEPS + 2, 4 * STEPS])
def test_a_killed_run_goes_on_from_its_last_checkpoint(step: int, save_every: int, tmp_path: Path) -> None:
    chosen = options("drnas", save_every=save_every)
    run_search(tiny, tiny.blobs(), chosen, tmp_path / "straight")
    with pytest.raises(MemoryError):
        run_search(tiny, tiny.blobs(), chosen, tmp_path / "killed", Kill(step))
    run_search(tiny, tiny.blobs(), chosen, tmp_path / "killed", resume=True)
    assert tiny.same(outcome(tmp_path / "killed"), outcome(tmp_path / "straight"))


def test_a_complete_run_gives_its_result_again(tmp_path: Path) -> None:
    first = run_search(tiny, tiny.blobs(), options("spos"), tmp_path)
    assert run_search(tiny, tiny.blobs(), options("spos"), tmp_path, resume=True) == first


def test_a_folder_with_a_run_is_not_written_over(tmp_path: Path) -> None:
    run_search(tiny, tiny.blobs(), options("spos", epochs=1), tmp_path)
    with pytest.raises(RunError, match="already holds a run: resume it"):
        run_search(tiny, tiny.blobs(), options("spos", epochs=1), tmp_path)


def test_nothing_to_resume(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nothing to resume"):
        run_search(tiny, tiny.blobs(), options("spos"), tmp_path / "nowhere", resume=True)


def test_resuming_wants_the_same_options(tmp_path: Path) -> None:
    run_search(tiny, tiny.blobs(), options("spos", epochs=1), tmp_path)
    with pytest.raises(RunError, match="started with epochs 1, not 2"):
        run_search(tiny, tiny.blobs(), options("spos", epochs=2), tmp_path, resume=True)


def test_resuming_wants_the_same_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_search(tiny, tiny.blobs(), options("spos", epochs=1), tmp_path)
    monkeypatch.setattr(tiny.SPACE, "source", "2" * 64)
    with pytest.raises(ForeignCheckpoint, match="another version of space `tiny`"):
        run_search(tiny, tiny.blobs(), options("spos", epochs=1), tmp_path, resume=True)


def test_a_seed_gives_one_run_and_another_seed_another(tmp_path: Path) -> None:
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        run_search(tiny, tiny.blobs(), options("drnas", epochs=1, seed=seed), tmp_path / name)
    a, b, c = (outcome(tmp_path / name) for name in "abc")
    assert tiny.same(a, b)
    assert not tiny.same(a[0]["engine"]["weights"], c[0]["engine"]["weights"])


def test_a_checkpoint_of_another_method(tmp_path: Path) -> None:
    methods: list[Optimizer] = ["drnas", "spos"]
    for method in methods:
        run_search(tiny, tiny.blobs(), options(method, epochs=1), tmp_path / method)
    (tmp_path / "drnas" / "result.json").unlink()
    (tmp_path / "spos" / "checkpoint.pt").replace(tmp_path / "drnas" / "checkpoint.pt")
    with pytest.raises(BrokenCheckpoint, match="none of this run .*relaxation"):
        run_search(tiny, tiny.blobs(), options("drnas", epochs=1), tmp_path / "drnas", resume=True)


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    with sole_use(tmp_path), pytest.raises(RunError, match="another process is at work in"):
        run_search(tiny, tiny.blobs(), options("spos", epochs=1), tmp_path)
    run_search(tiny, tiny.blobs(), options("spos", epochs=1), tmp_path)


def test_a_run_that_was_killed_at_its_birth_can_be_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record that makes a folder a run is written last."""
    replace, written = os.replace, []

    def killed(source: Path, target: Path) -> None:
        written.append(Path(target).name)
        if target.name == "config.json":
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        run_search(tiny, tiny.blobs(), options("spos", epochs=1), tmp_path, texts={"tiny.tsp": "space tiny"})
    monkeypatch.undo()
    assert written == ["tiny.tsp", "config.json"]
    run_search(tiny, tiny.blobs(), options("spos", epochs=1), tmp_path)


def test_stages_are_resumed_where_they_were(tmp_path: Path) -> None:
    """A progressive search stopped in its first stage, at the seam and in its second is the uninterrupted one."""
    stages = [{"epochs": 2, "warmup_epochs": 1}, {"epochs": 2, "keep": 2}]
    chosen = options("drnas", stages=stages)
    run_search(tiny, tiny.blobs(), chosen, tmp_path / "whole")
    stops = [StopAt(step=step) for step in (STEPS - 1, 2 * STEPS, 2 * STEPS + 1)]
    run_with_stops(chosen, tmp_path / "stopped", *stops)
    assert tiny.same(outcome(tmp_path / "stopped"), outcome(tmp_path / "whole"))
    lines = outcome(tmp_path / "whole")[1]
    assert [line["epoch"] for line in lines if line["kind"] == "epoch"] == [1, 2, 3, 4]
    first, last = (line["probabilities"]["width"] for line in (lines[1], lines[3]))
    assert first.count(0.0) == 0 and last.count(0.0) == 1  # the least probable of three widths is out
