"""Regularisers that drop values while training."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class Dropout(nn.Dropout):
    """PyTorch's, with its type."""

    __call__: Callable[..., Tensor]


class DropPath(nn.Module):
    """Stochastic depth (Huang et al. 2016): drops the whole value of a sample with probability `p`, and
    scales the rest.
    """

    __call__: Callable[..., Tensor]

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = x.new_empty((x.shape[0],) + (1,) * (x.dim() - 1)).bernoulli_(1 - self.p)
        return x * kept / (1 - self.p) if self.p < 1 else x * 0
