"""Gradients of probabilities that are had without computing with the probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def credited(y: Tensor, p: Tensor, share: Callable[[Tensor], Tensor]) -> Tensor:
    """`y`, whose gradient `g` is also that of `p` times `share(g)`. Differentiable once."""
    if not p.requires_grad:
        return y
    result: Tensor = _Credit.apply(y, p, share)  # type: ignore[no-untyped-call]
    return result


class _Credit(Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, p: Tensor, share: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.share = share
        return y.view_as(y)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        return gradient, ctx.share(gradient), None
