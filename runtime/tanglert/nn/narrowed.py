"""Parts of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.autograd import Function

Range: TypeAlias = tuple[int, int, int]
"""An axis, where its part starts, and how long it is."""


def narrowed(weight: Tensor, ranges: Sequence[Range]) -> Tensor:
    """The part of a weight within ranges of its axes, a view.

    Its gradient is written into zeros of the weight's size once, and not once for every axis.
    """
    ranges = [(dim, start, length) for dim, start, length in ranges if length < weight.shape[dim]]
    if len(ranges) < 2 or torch.compiler.is_compiling():
        return _part(weight, ranges)
    result: Tensor = _Narrowed.apply(weight, ranges)  # type: ignore[no-untyped-call]
    return result


def _part(weight: Tensor, ranges: Sequence[Range]) -> Tensor:
    for dim, start, length in ranges:
        weight = weight.narrow(dim, start, length)
    return weight


class _Narrowed(Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, ranges: Sequence[Range]) -> Tensor:
        ctx.shape, ctx.ranges = weight.shape, ranges
        return _part(weight, ranges)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        whole = gradient.new_zeros(ctx.shape)
        _part(whole, ctx.ranges).copy_(gradient)
        return whole, None
