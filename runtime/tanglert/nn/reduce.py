"""Operations without weights whose value depends on the width of an axis: mixtures of the value at each
width.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from tanglert.choices import Choices, Mixed, Term
from tanglert.dim import AxisLike, axis
from tanglert.nn.superpose import pad, sum_over, take


class Softmax(nn.Module):
    """Softmax over an elastic axis: `Σ_j p_j · pad(softmax(take(x, j)))`."""

    __call__: Callable[..., Tensor]

    def __init__(self, along: AxisLike, dim: int = -1) -> None:
        super().__init__()
        self.along, self.dim = axis(along), dim

    def forward(self, x: Tensor, at: Choices) -> Tensor:
        if not isinstance(at, Mixed):
            return x.softmax(self.dim)

        def term(j: Term) -> Tensor:
            return pad(take(x, self.along, self.dim, j).softmax(self.dim), self.along, self.dim, j)

        return sum_over(self.along.positions, at, term)


class Reduce(nn.Module):
    """A reduction over an elastic axis (mean, max, standard deviation …): `Σ_j p_j · function(take(x, j),
    dim)`.
    """

    __call__: Callable[..., Tensor]

    def __init__(self, along: AxisLike, function: Callable[[Tensor, int], Tensor], dim: int = -1) -> None:
        super().__init__()
        self.along, self.function, self.dim = axis(along), function, dim

    def forward(self, x: Tensor, at: Choices) -> Tensor:
        if not isinstance(at, Mixed):
            return self.function(x, self.dim)
        return sum_over(
            self.along.positions, at, lambda j: self.function(take(x, self.along, self.dim, j), self.dim)
        )


class Flatten(nn.Module):
    """Tokens (B, L, D) to one vector (B, L·D).

    An elastic D moves every token's place in the result, so that the mixture sums over the choices of D.
    """

    __call__: Callable[..., Tensor]

    def __init__(self, length: int, along: AxisLike) -> None:
        super().__init__()
        self.along = axis(along)
        if len(self.along.segments) > 1 and self.along.positions:
            raise ValueError("tokens of several elastic segments cannot be flattened")
        self.writes = (
            axis(self.along.segments[0] * length) if self.along.positions else axis(length * self.along.size)
        )

    def forward(self, x: Tensor, at: Choices) -> Tensor:
        if not isinstance(at, Mixed):
            return x.flatten(1)
        return sum_over(
            self.along.positions, at, lambda j: pad(take(x, self.along, -1, j).flatten(1), self.writes, -1, j)
        )


class ChannelShuffle(nn.Module):
    """The channels (B, C, H, W) of equal groups in turn, for an elastic C (Zhang et al. 2018, ShuffleNet).

    An elastic C moves every channel's place, so that the mixture sums over its choices. The result is one segment.
    """

    __call__: Callable[..., Tensor]

    def __init__(self, along: AxisLike, groups: int) -> None:
        super().__init__()
        self.along, self.groups = axis(along), groups
        self.writes = axis(sum(self.along.segments[1:], self.along.segments[0]))

    def forward(self, x: Tensor, at: Choices) -> Tensor:
        if not isinstance(at, Mixed):
            return F.channel_shuffle(x, self.groups)

        def term(j: Term) -> Tensor:
            return pad(F.channel_shuffle(take(x, self.along, 1, j), self.groups), self.writes, 1, j)

        return sum_over(self.along.positions, at, term)
