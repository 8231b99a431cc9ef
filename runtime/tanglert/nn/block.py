"""The bases of a space's blocks."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


class Block(nn.Module):
    """A module of entangled layers, told at every call which choices to run: `block(x, at)`."""

    __call__: Callable[..., Tensor]


class TupleBlock(nn.Module):
    """A block with several results."""

    __call__: Callable[..., tuple[Tensor, ...]]
