"""Tables that are looked up or added: embeddings, positions, class tokens."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tanglert.choices import Choices, Mixed
from tanglert.dim import Axis, AxisLike, axis
from tanglert.nn.layer import Layer, Lowering
from tanglert.nn.superpose import Entanglement


class _Table(Layer):
    """A weight with one elastic axis, the last."""

    weight: nn.Parameter

    def __init__(self, leading: tuple[int, ...], along: AxisLike, lowering: Lowering) -> None:
        super().__init__()
        self.writes = axis(along)
        self.reads = Axis()  # what it is given (ids, or a tensor only for its shape) is not sliced
        self.group = self.writes.positions
        self.lowering = lowering
        weight = nn.Parameter(torch.empty(*leading, self.writes.size))
        nn.init.normal_(weight, std=0.02)
        self.own("weight", weight, *leading, self.writes)


class Embedding(_Table):
    """Rows of a (vocab, D) table by ids (B, L): (B, L, D). The gain is applied to the rows read, not to the
    table.
    """

    def __init__(self, vocab: int, along: AxisLike, lowering: Lowering = "auto") -> None:
        super().__init__((vocab,), along, lowering)
        self.gain = Entanglement(self.writes)

    def evaluate(self, x: Tensor, at: Choices, *shared: Tensor) -> Tensor:
        return F.embedding(x, self.entanglement("weight").slice(self.weight, at))

    def mixture(self, x: Tensor, at: Mixed, *shared: Tensor) -> Tensor:
        weight = self.entanglement("weight").trim(self.weight, at)
        return F.embedding(x, weight) * self.gain.mix(self.weight.new_ones(self.writes.size), at)


class Position(_Table):
    """A learned position for every token: (1, L, D), to be added to x (B, L, D)."""

    def __init__(self, length: int, along: AxisLike, lowering: Lowering = "auto") -> None:
        super().__init__((1, length), along, lowering)

    def evaluate(self, x: Tensor, at: Choices, *shared: Tensor) -> Tensor:
        length = self.weight.shape[1]
        if x.shape[1] > length:
            raise ValueError(f"{x.shape[1]} tokens, but positions for {length} only")
        return self.entanglement("weight").block(self.weight, at)[:, : x.shape[1]]


class Token(_Table):
    """A learned token before the others: (B, L, D) to (B, L + 1, D)."""

    def __init__(self, along: AxisLike, lowering: Lowering = "auto") -> None:
        super().__init__((1, 1), along, lowering)

    def forward(self, x: Tensor, at: Choices, *shared: Tensor) -> Tensor:
        token = super().forward(x, at, *shared)
        return torch.cat((token.expand(x.shape[0], -1, -1), x), 1)

    def evaluate(self, x: Tensor, at: Choices, *shared: Tensor) -> Tensor:
        return self.entanglement("weight").block(self.weight, at)
