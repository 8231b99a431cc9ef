"""Learning is real: a compiled space on the images that ship, by both methods; stopping in between changes nothing."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from tanglec.api import compile_file
from tanglert.data import Data, load
from tanglert.train import Interrupted, Options, run_search
from tanglert.train.progress import Silent

COMPILED = compile_file("vit_mini", params={"resolution": 16})
MODULE: Any = COMPILED.load()


@pytest.fixture(scope="module")
def images() -> Data:
    """A part of the images that ship, which are in no order."""
    data = load("fashion-mnist", MODULE.SPACE)
    return replace(
        data, train=data.train.subset(torch.arange(1600)), test=data.test.subset(torch.arange(400))
    )


class StopAfter(Silent):
    """Asks a run to stop at a step, as a signal would."""

    def __init__(self, step: int) -> None:
        self.last = step

    def step(self, epoch: int, step: int, losses: Any) -> None:
        if step == self.last:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("optimizer", ["drnas", "spos"])
def test_a_search_ends_well_above_chance_and_goes_on_where_it_was_stopped(
    optimizer: Literal["drnas", "spos"], images: Data, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    options = Options(optimizer=optimizer, epochs=4, evaluations=4, random=3, device="cpu")
    whole = run_search(MODULE, images, options, tmp_path / "whole")
    assert whole.test["accuracy"] > 0.4  # ten classes
    with pytest.raises(Interrupted):
        run_search(MODULE, images, options, tmp_path / "stopped", StopAfter(7))
    resumed = run_search(MODULE, images, options, tmp_path / "stopped", resume=True)
    assert (resumed.architecture, resumed.test, resumed.random) == (
        whole.architecture,
        whole.test,
        whole.random,
    )
