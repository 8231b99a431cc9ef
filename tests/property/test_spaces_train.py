"""Every kind of space trains: an epoch of each method on the data that ships lowers the loss, and the derived module runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from tanglec.api import compile_file
from tanglert.data import Data, load
from tanglert.train import Options, run_search
from tanglert.train.progress import Silent

# Small enough for seconds on one core; the choices stay the published ones.
SIZES: dict[str, dict[str, Any]] = {
    "conv_macro": {"resolution": 16, "drop": 0},
    "darts": {"cells": 1, "channels": 8, "resolution": 16},
    "darts_ptb": {"vocab": 96, "context": 16, "hidden": 24, "nodes": 3},
    "mobilenet_v3": {"resolution": 32, "classes": 10},
    "nasbench_macro": {"resolution": 16, "channels": 8, "head": 64},
    "nb101": {"cells": 1, "channels": 16, "resolution": 16},
    "nb201": {"cells": 1, "channels": 8, "resolution": 16},
    "proxylessnas": {"resolution": 32, "classes": 10, "multiplier": 0.35},
    "toy_cell": {"channels": 8},
}

COUNTS = {
    "conv_macro": 2560,
    "darts": 1280,
    "darts_ptb": 1600,
    "nasbench_macro": 1280,
    "nb101": 1280,
    "proxylessnas": 1280,
}  # images, texts

RATES = {"conv_macro": 1e-3}  # six layers without a norm: at 1e-2 its first steps explode


class Losses(Silent):
    """Keeps the weights' loss: its means over the first third of the steps, and over the last."""

    def __init__(self) -> None:
        self.means: list[float] = []

    def step(self, epoch: int, step: int, losses: Mapping[str, float]) -> None:
        self.means.append(losses["train_loss"])  # over the steps so far

    def first_and_last(self) -> tuple[float, float]:
        count = len(self.means)
        third = count // 3
        before = self.means[count - third - 1] * (count - third)
        return self.means[third - 1], (self.means[-1] * count - before) / third


def part(name: str, module: Any) -> Data:
    """A little of the data that ships."""
    data = load(None, module.SPACE)
    count = COUNTS.get(name, 640)
    return replace(
        data, train=data.train.subset(torch.arange(count)), test=data.test.subset(torch.arange(100))
    )


@pytest.mark.parametrize("optimizer", ["drnas", "spos"])
@pytest.mark.parametrize("name", SIZES)
def test_an_epoch_lowers_the_loss(name: str, optimizer: Literal["drnas", "spos"], tmp_path: Path) -> None:
    torch.set_num_threads(1)
    compiled = compile_file(name, params=SIZES[name])
    module: Any = compiled.load()
    losses = Losses()
    options = Options(
        optimizer=optimizer,
        epochs=1,
        batch_size=32,
        lr=RATES.get(name, 1e-2),
        evaluations=1,
        random=1,
        warmup_epochs=0,
        device="cpu",
    )
    result = run_search(module, part(name, module), options, tmp_path, losses)
    first, last = losses.first_and_last()
    assert last < 0.98 * first
    derived = compiled.derive(result.architecture)
    derived(part(name, module).test.batch(torch.arange(2))[0])
