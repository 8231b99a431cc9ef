"""Engines whose steps one process and several can share exactly: no batch statistics, no dropout, float64, SGD."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn

from tanglert import Choices
from tanglert.data import Samples
from tanglert.protocols import PathSampler
from tanglert.relax import GDAS, ArchParameters, Darts, DrNAS
from tanglert.sample.fairnas import FairSampler
from tanglert.sample.sandwich import SandwichSampler
from tanglert.train.bilevel import Bilevel
from tanglert.train.distributed import ALONE, World
from tanglert.train.engine import Engine
from tanglert.train.oneshot import OneShot
from tanglert.train.options import Options
from tanglert.train.task import Classification
from tests import tiny

CASES = [
    "drnas",
    "darts of second order",
    "spos",
    "sandwich",
    "touched spos",
    "touched fairnas",
    "touched gdas",
]
SAMPLERS: dict[str, Callable[[int], PathSampler]] = {
    "spos": tiny.Sampler,
    "sandwich": lambda seed: SandwichSampler(tiny.Arch, seed),
    "fairnas": lambda seed: FairSampler(tiny.Arch, seed),
}


class Same(nn.Module):
    """In place of a batch norm."""

    def forward(self, x: Tensor, at: Choices) -> Tensor:
        return x


class Supernet(tiny.Supernet):
    """Without batch norms, and without dropout, which never trains."""

    def __init__(self) -> None:
        super().__init__()
        for layer in self.layers:
            layer.norm = Same()

    def train(self, mode: bool = True) -> Self:
        return super().train(False)


def engine(case: str, batch_size: int, world: World = ALONE, accumulate: int = 1) -> Engine:
    torch.manual_seed(0)
    supernet = Supernet().double().eval()
    data = tiny.blobs().train
    assert isinstance(data, Samples)
    data = Samples(data.x.double(), data.y, data.mean.double(), data.std.double(), data.shape)
    chosen: dict[str, Any] = dict(
        batch_size=batch_size,
        accumulate=accumulate,
        epochs=4,
        weight_optimizer="sgd",
        lr=0.05,
        warmup_epochs=0,
    )
    task = Classification()
    if case.startswith("touched "):
        case, chosen["update"] = case.removeprefix("touched "), "touched"
    if case in SAMPLERS:
        return OneShot(supernet, task, data, SAMPLERS[case](1), Options(optimizer=case, **chosen), world)
    train, validation = data.subset(torch.arange(0, 120)), data.subset(torch.arange(120, 240))
    alphas = ArchParameters(tiny.SPACE, seed=2).double()
    if case == "gdas":
        gdas = GDAS(alphas, tiny.Arch, 3)
        return Bilevel(supernet, task, train, validation, gdas, Options(optimizer="gdas", **chosen), world)
    if case == "drnas":
        options = Options(optimizer="drnas", **chosen)
        return Bilevel(supernet, task, train, validation, DrNAS(alphas, 3), options, world)
    options = Options(optimizer="darts", order=2, **chosen)
    return Bilevel(supernet, task, train, validation, Darts(alphas), options, world)


def trained(engine: Engine, steps: int = 7) -> dict[str, Any]:
    """Weights, alphas and losses after some steps."""
    losses = [{name: float(loss) for name, loss in engine.advance().items()} for _ in range(steps)]
    alphas = engine.relaxation.alphas.state_dict() if isinstance(engine, Bilevel) else {}
    return {"weights": engine.supernet.state_dict(), "alphas": alphas, "losses": losses}
