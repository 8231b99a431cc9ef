"""A search problem whose answer is known: data labelled by a teacher that is an architecture of the space."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tanglec.api import Compiled, compile_file
from tanglert.arch import ArchBase
from tanglert.data import Data, Samples
from tanglert.protocols import SpaceModule

SPACE = Path(__file__).parent / "planted.tsp"
TEACHER = {"op": ["square", "tanh", "relu"], "width": 4, "depth": 1}
SEED = 0
SAMPLES = (4000, 2000)
"""Training part, to be split by a search, and held-out part."""
MARGIN = 0.3
"""How far the teacher's largest logit must be above the next, in standard deviations: others are not asked for."""


def problem() -> tuple[SpaceModule, Data]:
    """The compiled space, and the data."""
    compiled = compile_file(SPACE)
    return compiled.load(), data(compiled)


def data(compiled: Compiled) -> Data:
    """Normal inputs with the teacher's labels: always the same, nearly as many of each class."""
    torch.manual_seed(SEED)
    count, shape = sum(SAMPLES), (3, 4)
    inputs = torch.randn(8 * count, *shape)
    logits = balanced(teach(compiled.derive(TEACHER), inputs))
    first, second = logits.topk(2, dim=1).values.unbind(1)
    sure = (first - second > MARGIN).nonzero().flatten()[:count]
    assert len(sure) == count, "the teacher is unsure too often"
    x, y = inputs[sure], logits[sure].argmax(1)
    mean, std = torch.zeros(1, 1), torch.ones(1, 1)
    whole = Samples(x, y, mean, std, shape)
    train, test = (whole.subset(part) for part in torch.arange(count).tensor_split(SAMPLES[:1]))
    classes = tuple(str(number) for number in range(logits.shape[1]))
    return Data("planted", train, test, classes, f"{count:,} samples labelled by a teacher")


@torch.no_grad()
def teach(network: nn.Module, inputs: Tensor) -> Tensor:
    """Logits (N, classes) of a random network in which every linear layer gives values of standard deviation 2.

    Orthogonal weights, scaled layer by layer with the data (Mishkin and Matas 2016), so that no edge is drowned out by
    another and activations bend.
    """
    for layer in (m for m in network.modules() if isinstance(m, nn.Linear)):
        nn.init.orthogonal_(layer.weight)
        layer.register_forward_hook(_scale)
    logits: Tensor = network(inputs)
    return logits


def _scale(layer: nn.Module, _: Any, output: Tensor) -> Tensor:
    assert isinstance(layer, nn.Linear)
    layer.weight *= 2 / output.std()
    return output * (2 / output.std())


def balanced(logits: Tensor) -> Tensor:
    """Logits of unit deviation, shifted until every class is the largest equally often; a head can do both."""
    logits = (logits - logits.mean(0)) / logits.std(0)
    count, classes = logits.shape
    for _ in range(200):
        shares = logits.argmax(1).bincount(minlength=classes) / count
        logits = logits - (shares - 1 / classes)
    return logits


def architectures(module: SpaceModule) -> list[ArchBase]:
    """All of them, each once."""
    space = module.SPACE
    counts = [range(len(position.choices)) for position in space.positions]
    joint = itertools.product(*counts)
    return list(
        dict.fromkeys(module.Arch.from_indices(dict(zip(space.positions, c, strict=True))) for c in joint)
    )
