"""What goes wrong in the middle: kills, full disks, numbers that are not finite, data that does not fit."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tanglert.data import Data, DataError, DataMismatch, Samples
from tanglert.relax import ArchParameters, DrNAS
from tanglert.sample.sandwich import SandwichSampler
from tanglert.train import CheckpointFile, DivergedError, Options, run_search
from tanglert.train.assembly import Search
from tanglert.train.bilevel import Bilevel
from tanglert.train.oneshot import OneShot
from tanglert.train.task import Classification
from tests import killed, tiny


def outcome(folder: Path) -> tuple[Any, ...]:
    """All that a run leaves, without its times and memory."""
    state = CheckpointFile(folder / "checkpoint.pt", tiny.SPACE).load()
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    result = json.loads((folder / "result.json").read_text())
    for record in [*lines, result]:
        record.pop("seconds", None)
        record.pop("memory", None)
    return state["search"], lines, result, (folder / "architecture.json").read_text()


@pytest.fixture(scope="module")
def killed_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of every method and strategy, each killed twice."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    root, path = Path(__file__).parents[2], tmp_path_factory.mktemp("killed")
    paths = os.pathsep.join([str(root), str(root / "runtime")])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.killed", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.slow
@pytest.mark.parametrize("case", killed.CASES)
def test_a_run_killed_at_random_moments_equals_one_that_was_not(
    case: str, killed_runs: Path, tmp_path: Path
) -> None:
    if case == "nsga2":
        pytest.importorskip("pymoo")
    run_search(tiny, tiny.blobs(), killed.options(case), tmp_path)
    assert tiny.same(outcome(killed_runs / case), outcome(tmp_path))


@pytest.mark.parametrize("full_at", [3, 6, 9, 14])
def test_a_full_disk_loses_nothing_and_says_so(
    full_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From some flush of a file on there is no space; the run stops, and goes on when there is some again."""
    chosen = killed.options("drnas")
    run_search(tiny, tiny.blobs(), chosen, tmp_path / "straight")
    flush, count = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count >= full_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(descriptor)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left on device") as error:
        patch.setattr(os, "fsync", full)
        run_search(tiny, tiny.blobs(), chosen, tmp_path / "full")
    assert str(error.value.filename).startswith(str(tmp_path / "full"))
    assert not list((tmp_path / "full").glob("*.partial"))
    run_search(tiny, tiny.blobs(), chosen, tmp_path / "full", resume=True)
    assert tiny.same(outcome(tmp_path / "full"), outcome(tmp_path / "straight"))


def test_metrics_that_do_not_fit_name_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", **more: Any) -> Any:
        if mode == "a":
            raise OSError(errno.ENOSPC, "No space left on device")
        return opened(path, mode, **more)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match=r"No space left on device.*metrics\.jsonl"):
        run_search(tiny, tiny.blobs(), killed.options("drnas"), tmp_path)


def samples(part: Any) -> Samples:
    assert isinstance(part, Samples)
    return part


def endless(data: Data) -> Samples:
    """Training samples that are not finite."""
    part = samples(data.train)
    return replace(part, x=part.x * torch.inf)


class BrokenAt(Classification):
    """A loss that is no number once it was asked for so many times."""

    def __init__(self, call: int) -> None:
        super().__init__()
        self.left = call

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        self.left -= 1
        return super().loss(output, target) * (torch.nan if self.left == 0 else 1)


def bilevel(train: Samples, task: Classification, **changes: Any) -> Bilevel:
    alphas = ArchParameters(tiny.SPACE, seed=1)
    chosen = Options(batch_size=40, **changes)
    return Bilevel(tiny.Supernet(), task, train, train, DrNAS(alphas, 2), chosen)


def test_a_broken_loss_names_the_architecture_that_ran() -> None:
    data = tiny.blobs()
    engine = OneShot(
        tiny.Supernet(), Classification(), endless(data), tiny.Sampler(0), Options(optimizer="spos")
    )
    ran = tiny.Sampler(0)()
    with pytest.raises(
        DivergedError, match=rf"loss is nan .*; it ran at width={ran.width}, depth={ran.depth}, h"
    ):
        engine.advance()


def test_of_several_architectures_the_one_with_the_broken_loss_is_named() -> None:
    train, sampler = samples(tiny.blobs().train), SandwichSampler(tiny.Arch, 0)
    sampler.distils = False
    engine = OneShot(tiny.Supernet(), BrokenAt(2), train, sampler, Options(optimizer="sandwich"))
    with pytest.raises(DivergedError, match=r"it ran at width=4, depth=1, hidden=\[2, -, -\];"):
        engine.advance()


def test_a_broken_mixture_names_its_most_probable_choices() -> None:
    engine = bilevel(samples(tiny.blobs().train), BrokenAt(3), warmup_epochs=1, epochs=2)
    with torch.no_grad():
        engine.relaxation.alphas.values["width"][1] = 5
    message = (
        r"training loss is nan in epoch 1, batch 3 of 6 \(step 2\); all architecture parameters are finite"
    )
    with pytest.raises(
        DivergedError, match=rf"{message}, the most probable choices are `width` \(position 0\) 8"
    ):
        for _ in range(3):
            engine.advance()


def test_architecture_parameters_that_are_not_finite_are_named() -> None:
    engine = bilevel(samples(tiny.blobs().train), Classification(), warmup_epochs=0)
    with torch.no_grad():
        engine.relaxation.alphas.values["hidden"][2, 0] = torch.nan
    where = r"the architecture parameters of `hidden` \(position 2\) are not finite"
    with pytest.raises(DivergedError, match=where):
        engine.advance()


@pytest.mark.parametrize("label", [-1, 3])
def test_labels_that_the_space_has_no_place_for(label: int) -> None:
    data = tiny.blobs()
    train = samples(data.train)
    wrong = replace(train, y=torch.where(torch.arange(len(train)) == 7, label, train.y))
    with pytest.raises(
        DataMismatch, match=r"blobs: training labels run from .* the space has 3 classes, 0 to 2"
    ):
        Search(tiny, replace(data, train=wrong), Options())


def test_an_empty_part() -> None:
    with pytest.raises(DataError, match="blobs: the test part is empty"):
        Search(tiny, tiny.blobs(test=0), Options())
    with pytest.raises(
        DataError, match="validation part of 0.001 of 240 training samples leaves one part empty"
    ):
        Search(tiny, tiny.blobs(), Options(validation=0.001))


def test_a_class_that_is_missing_in_one_part_is_worth_a_warning() -> None:
    data = tiny.blobs()
    test = samples(data.test)
    without = test.subset(torch.nonzero(test.y != 1).flatten())
    with pytest.warns(UserWarning, match=r"blobs: the test part has no sample of class 1 \(b\)"):
        Search(tiny, replace(data, test=without), Options())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Search(tiny, data, Options())
