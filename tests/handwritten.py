"""A small vision transformer, written by hand in the shape of a generated file."""

from __future__ import annotations

from dataclasses import dataclass

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
)
from tanglert.nn import Attend, Conv, LayerNorm, Linear, Position, Token

EMBED = Dim("embed", [32, 48, 64])
DEPTH = Dim("depth", [2, 3, 4])
HEADS = Dim("heads", [2, 3, 4], per="layer", positions=4, present=[DEPTH > i for i in range(4)])
RATIO = Dim("ratio", [2, 3.5, 4], per="layer", positions=4, present=[DEPTH > i for i in range(4)])

SPACE = Space(
    "vit_mini",
    title="A small vision transformer",
    dims=[EMBED, DEPTH, HEADS, RATIO],
    inputs=[Input("image", "pixels", (1, 28, 28))],
    output=("vector", (10,)),
    source="0" * 64,
)


@dataclass(frozen=True)
class Arch(ArchBase, space=SPACE):
    """One architecture: three widths, three depths, and heads and ratio of every layer."""

    embed: int
    depth: int
    heads: tuple[int | None, ...]
    ratio: tuple[float | None, ...]


def one_hot(arch: Arch) -> Probabilities:
    """The vertex of the mixture that is this architecture."""
    return arch.one_hot()


def count_params(arch: Arch) -> int:
    """The number of parameters of the architecture's subnet."""
    e = arch.embed
    total = 16 * e + e + e + 50 * e + 2 * e + e * 10 + 10
    for heads, ratio in zip(arch.heads, arch.ratio):
        if heads is not None and ratio is not None:
            width, hidden = 16 * heads, int(e * ratio)
            total += 4 * e + 3 * (e * width + width) + width * e + e + 2 * e * hidden + hidden + e
    return total


def count_macs(arch: Arch) -> int:
    """The multiply-adds of one image."""
    e = arch.embed
    total = 49 * 16 * e + e * 10
    for heads, ratio in zip(arch.heads, arch.ratio):
        if heads is not None and ratio is not None:
            width, hidden = 16 * heads, int(e * ratio)
            total += 50 * (4 * e * width + 2 * e * hidden) + 2 * 50 * 50 * width
    return total


class Attention(nn.Module):
    def __init__(self, heads: Extent) -> None:
        super().__init__()
        self.q = Linear(EMBED, heads * 16)
        self.k = Linear(EMBED, heads * 16)
        self.v = Linear(EMBED, heads * 16)
        self.attend = Attend(heads, 16)
        self.linear = Linear(heads * 16, EMBED)

    def forward(self, x: Tensor, at: Choices) -> Tensor:
        q = self.q(x, at)
        k = self.k(x, at)
        v = self.v(x, at)
        return self.linear(self.attend(q, k, v, at), at)


class Mlp(nn.Module):
    def __init__(self, hidden: Extent) -> None:
        super().__init__()
        self.linear = Linear(EMBED, hidden)
        self.linear_2 = Linear(hidden, EMBED)

    def forward(self, x: Tensor, at: Choices) -> Tensor:
        return self.linear_2(F.gelu(self.linear(x, at)), at)


class Layer(nn.Module):
    def __init__(self, heads: Extent, ratio: Extent) -> None:
        super().__init__()
        self.layer_norm = LayerNorm(EMBED)
        self.attention = Attention(heads)
        self.layer_norm_2 = LayerNorm(EMBED)
        self.mlp = Mlp(EMBED * ratio)

    def forward(self, x: Tensor, at: Choices) -> Tensor:
        x = x + self.attention(self.layer_norm(x, at), at)
        x = x + self.mlp(self.layer_norm_2(x, at), at)
        return x


class Supernet(SupernetBase):
    """All architectures in one set of weights."""

    space = SPACE

    def __init__(self) -> None:
        super().__init__()
        self.conv = Conv(1, EMBED, kernel=4, stride=4, padding=0)
        self.prepend_token = Token(EMBED)
        self.position = Position(50, EMBED)
        self.layers = nn.ModuleList(Layer(HEADS[i], RATIO[i]) for i in range(4))
        self.layer_norm = LayerNorm(EMBED)
        self.linear = Linear(EMBED, 10)

    def forward(self, image: Tensor, arch: Arch | Probabilities) -> Tensor:
        """Logits (B, 10) of images (B, 1, 28, 28) by the sliced subnet, or by the superposition."""
        return self.network(image, self.choices(arch))

    def mix(self, image: Tensor, probabilities: Probabilities) -> Tensor:
        """The superposition of all architectures, weighted by the probabilities."""
        return self.network(image, self.choices(probabilities))

    def network(self, image: Tensor, at: Choices) -> Tensor:
        x = self.conv(image, at)  # (B, embed, 7, 7)
        x = x.flatten(2).transpose(1, 2)  # (B, 49, embed)
        x = self.prepend_token(x, at)  # (B, 50, embed)
        x = x + self.position(x, at)
        depth = Depth(DEPTH, at, x)
        for layer in depth.run(self.layers):
            x = layer(x, at)
            depth.add(x)
        x = depth.value()
        x = self.layer_norm(x, at)[:, 1:].mean(1)  # (B, embed)
        return self.linear(x, at)


class Sampler(UniformSampler[Arch]):
    """Single path one-shot (Guo et al. 2020): every position uniform and independent."""

    arch = Arch
