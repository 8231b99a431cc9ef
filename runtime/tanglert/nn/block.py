"""The bases of a space's blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor, nn

Activation: TypeAlias = Callable[[Tensor], Tensor]
"""A function of one tensor that is handed on to a block, such as `F.relu`."""


class Block(nn.Module):
    """A module of entangled layers, told at every call which choices to run: `block(x, at)`."""

    __call__: Callable[..., Tensor]


class TupleBlock(nn.Module):
    """A block with several results."""

    __call__: Callable[..., tuple[Tensor, ...]]
