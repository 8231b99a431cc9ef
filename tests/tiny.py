"""A perceptron that trains in a second: a generated module in miniature, with dropout and batch norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tanglert import (
    ArchBase,
    Choices,
    Depth,
    Dim,
    Extent,
    Input,
    Probabilities,
    Space,
    SupernetBase,
    UniformSampler,
    cost,
)
from tanglert.data import Data, Samples
from tanglert.nn import BatchNorm, Linear

WIDTH = Dim("width", [4, 8, 16])
DEPTH = Dim("depth", [1, 2, 3])
HIDDEN = Dim("hidden", [2, 4], per="layer", positions=3, present=[i < DEPTH for i in range(3)])

SPACE = Space(
    "tiny",
    dims=[WIDTH, DEPTH, HIDDEN],
    inputs=[Input("x", "vector", (6,))],
    output=("vector", (3,)),
    source="1" * 64,
)


@dataclass(frozen=True)
class Arch(ArchBase, space=SPACE):
    """42 architectures: three widths, and hidden sizes of one to three layers."""

    width: int
    depth: int
    hidden: tuple[int | None, ...]


@cost(SPACE, largest=447, together=[(WIDTH, HIDDEN), (WIDTH, DEPTH)])
def count_params(arch: Arch) -> int:
    """Parameters without those of the norms."""
    hidden = sum(h for h in arch.hidden if h is not None)
    return (6 + 1 + 3) * arch.width + 3 + arch.depth * arch.width + hidden * (2 * arch.width + 1)


@cost(SPACE, largest=528, together=[(WIDTH, HIDDEN)])
def count_macs(arch: Arch) -> int:
    """Multiply-adds of one sample."""
    return 9 * arch.width + 2 * arch.width * sum(h for h in arch.hidden if h is not None)


class Layer(nn.Module):
    """A residual bottleneck."""

    def __init__(self, hidden: Extent) -> None:
        super().__init__()
        self.norm = BatchNorm(WIDTH)
        self.down = Linear(WIDTH, hidden)
        self.up = Linear(hidden, WIDTH)

    def forward(self, x: Tensor, at: Choices) -> Tensor:
        return x + F.dropout(self.up(F.relu(self.down(self.norm(x, at), at)), at), 0.1, self.training)


class Supernet(SupernetBase):
    """Vectors (B, 6) to logits (B, 3)."""

    space = SPACE

    def __init__(self) -> None:
        super().__init__()
        self.first = Linear(6, WIDTH)
        self.layers = nn.ModuleList(Layer(HIDDEN[i]) for i in range(3))
        self.last = Linear(WIDTH, 3)

    def forward(self, x: Tensor, arch: Arch | Probabilities) -> Tensor:
        at = self.choices(arch)
        x = self.first(x, at)
        depth = Depth(DEPTH, at, x)
        for layer in depth.run(self.layers):
            x = layer(x, at)
            depth.add(x)
        return self.last(depth.value(), at)

    def mix(self, x: Tensor, probabilities: Probabilities) -> Tensor:
        return self.forward(x, probabilities)


class Sampler(UniformSampler[Arch]):
    """Uniform paths."""

    arch = Arch


def blobs(train: int = 240, test: int = 90, seed: int = 0) -> Data:
    """Three noisy clouds in six dimensions, easy to tell apart."""
    generator = torch.Generator().manual_seed(seed)
    centres = 2 * torch.randn(3, 6, generator=generator)

    def part(count: int) -> Samples:
        y = torch.arange(count) % 3
        x = centres[y] + torch.randn(count, 6, generator=generator)
        return Samples(x, y, torch.zeros(6), torch.ones(6), (6,))

    return Data("blobs", part(train), part(test), ("a", "b", "c"), "three clouds")


def same(a: Any, b: Any) -> bool:
    """Whether two nested states are equal bit for bit."""
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)
