"""Training of one architecture by itself: it learns, stops and goes on bit for bit, and refuses what does not fit."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tanglert.train import (
    BrokenCheckpoint,
    CheckpointFile,
    DivergedError,
    Interrupted,
    Options,
    OptionsError,
    RunError,
    Silent,
    Trained,
    inherited_weights,
    train_network,
    trained_weights,
)
from tests import tiny

ARCH = tiny.Arch(width=8, depth=1, hidden=(4, None, None))
OPTIONS = Options(epochs=3, batch_size=40, lr=0.05, seed=5)  # six steps an epoch


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 3))


def trained(
    folder: Path, options: Options = OPTIONS, build: Callable[[], nn.Module] = network, **more: Any
) -> Trained:
    return train_network(build, ARCH, tiny, tiny.blobs(), options, folder, **more)


class StopAt(Silent):
    def __init__(self, step: int) -> None:
        self.at = step

    def step(self, epoch: int, step: int, losses: Mapping[str, float]) -> None:
        if step == self.at:
            os.kill(os.getpid(), signal.SIGINT)


def outcome(folder: Path) -> tuple[Any, ...]:
    """All that a training leaves, without its times."""
    state = CheckpointFile(folder / "checkpoint.pt", tiny.SPACE).load()["training"]
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    result = json.loads((folder / "result.json").read_text())
    for record in [*lines, result]:
        record.pop("seconds", None)
        record.pop("memory", None)
    return state, lines, result


def test_it_learns_on_all_of_the_training_part(tmp_path: Path) -> None:
    result = trained(tmp_path)
    assert result.test["accuracy"] > 0.8
    assert (result.held_out, result.epochs, result.params) == (90, 3, tiny.count_params(ARCH))
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [6, 12, 18]
    assert lines[-1]["test_accuracy"] == result.test["accuracy"]
    assert Trained.read(tmp_path) == result == trained(tmp_path, resume=True)


@pytest.mark.parametrize("stops", [[1], [6], [8], [3, 6, 17]], ids=str)
def test_resumed_equals_uninterrupted(stops: list[int], tmp_path: Path) -> None:
    trained(tmp_path / "straight")
    for number, stop in enumerate(stops):
        with pytest.raises(Interrupted, match="resume it to go on"):
            trained(tmp_path / "stopped", progress=StopAt(stop), resume=number > 0)
        torch.manual_seed(number)
    trained(tmp_path / "stopped", resume=True)
    assert tiny.same(outcome(tmp_path / "stopped"), outcome(tmp_path / "straight"))


def test_fresh_weights_follow_from_the_seed(tmp_path: Path) -> None:
    trained(tmp_path / "a")
    torch.manual_seed(99)
    trained(tmp_path / "b")
    trained(tmp_path / "c", OPTIONS.but(seed=6))
    a, b, c = (trained_weights(tmp_path / name, tiny.SPACE) for name in "abc")
    assert tiny.same(a, b) and not tiny.same(a, c)


def test_inherited_weights_are_measured_as_they_are(tmp_path: Path) -> None:
    trained(tmp_path / "first")
    weights = trained_weights(tmp_path / "first", tiny.SPACE)
    result = trained(tmp_path / "second", init="inherit", weights=weights, parent="first")
    assert result.test == Trained.read(tmp_path / "first").test  # type: ignore[union-attr]
    assert tiny.same(trained_weights(tmp_path / "second", tiny.SPACE), weights)
    assert result.epochs == 0


def test_fine_tuning_begins_with_inherited_weights(tmp_path: Path) -> None:
    trained(tmp_path / "first")
    weights = trained_weights(tmp_path / "first", tiny.SPACE)
    still = OPTIONS.but(lr=1e-12, min_lr=0.0, weight_decay=0.0)
    trained(tmp_path / "second", still, init="finetune", weights=weights)
    after = trained_weights(tmp_path / "second", tiny.SPACE)
    torch.testing.assert_close(after["0.weight"], weights["0.weight"])


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="finetune begins with the weights of a search"):
        trained(tmp_path, init="finetune")
    with pytest.raises(BrokenCheckpoint, match="of another network"):
        trained(tmp_path, init="finetune", weights={"0.weight": torch.zeros(3)})
    with pytest.raises(OptionsError, match="batch norms"):
        trained(tmp_path, OPTIONS.but(batch_size=1))
    with pytest.raises(OptionsError, match="for images only"):
        trained(tmp_path, OPTIONS.but(crop=4))
    with pytest.raises(RunError, match="no checkpoint"):
        trained_weights(tmp_path, tiny.SPACE)


def test_a_folder_holds_one_training(tmp_path: Path) -> None:
    trained(tmp_path)
    with pytest.raises(RunError, match="already holds a run"):
        trained(tmp_path)
    with pytest.raises(RunError, match="was started with epochs 3, not 4"):
        trained(tmp_path, OPTIONS.but(epochs=4), resume=True)
    other = tiny.Arch(width=4, depth=1, hidden=(4, None, None))
    with pytest.raises(RunError, match="another run: its architecture"):
        train_network(network, other, tiny, tiny.blobs(), OPTIONS, tmp_path, resume=True)
    with pytest.raises(RunError, match="trains one architecture by itself"):
        inherited_weights(tmp_path, tiny.SPACE)


def test_what_diverges_says_where(tmp_path: Path) -> None:
    def broken() -> nn.Module:
        model = network()
        nn.init.constant_(model[0].weight, float("nan"))  # type: ignore[index]
        return model

    with pytest.raises(DivergedError, match=r"epoch 1, batch 1 of 6 \(step 0\); it ran at width=8"):
        trained(tmp_path, build=broken)


def test_running_averages_are_kept_and_used(tmp_path: Path) -> None:
    trained(tmp_path)
    weights = trained_weights(tmp_path, tiny.SPACE)
    assert int(weights["1.num_batches_tracked"]) == 18
    model = network()
    model.load_state_dict(weights)
    x, y = tiny.blobs().test.batch(torch.arange(90))
    accuracy = (model.eval()(x).argmax(1) == y).double().mean()
    result = Trained.read(tmp_path)
    assert result is not None and float(accuracy) == pytest.approx(result.test["accuracy"])
