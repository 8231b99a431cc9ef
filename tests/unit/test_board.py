"""A run in TensorBoard: the curves that are written, also by a run that was stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tanglert.train import Board, Interrupted, Options, Silent, run_search
from tests import tiny
from tests.unit.test_train_resume import StopAt

accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values of every scalar."""
    log = accumulators.EventAccumulator(str(folder))
    log.Reload()
    return {tag: [(e.step, e.value) for e in log.Scalars(tag)] for tag in log.Tags()["scalars"]}


def test_losses_metrics_and_probabilities(tmp_path: Path) -> None:
    options = Options(epochs=3, batch_size=40, random=2)
    run_search(tiny, tiny.blobs(), options, tmp_path / "run", Board(tmp_path / "board", Silent()))
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    epochs = [line for line in lines if line["kind"] == "epoch"]
    found = curves(tmp_path / "board")
    wanted = [(line["step"], pytest.approx(line["train_loss"])) for line in epochs]
    assert found["epoch/train_loss"] == wanted
    last = epochs[-1]["probabilities"]
    assert found["probability/hidden/2/1"][-1] == (9, pytest.approx(last["hidden"][2][1]))
    assert found["probability/width/0/2"][-1] == (9, pytest.approx(last["width"][2]))


def test_a_resumed_run_goes_on_in_the_same_curves(tmp_path: Path) -> None:
    options = Options(epochs=3, batch_size=40, random=0)
    with pytest.raises(Interrupted):
        stopping = Board(tmp_path / "board", StopAt(step=4))
        run_search(tiny, tiny.blobs(), options, tmp_path / "run", stopping)
    again = Board(tmp_path / "board", Silent())
    run_search(tiny, tiny.blobs(), options, tmp_path / "run", again, resume=True)
    assert [step for step, _ in curves(tmp_path / "board")["epoch/train_loss"]] == [3, 6, 9]
