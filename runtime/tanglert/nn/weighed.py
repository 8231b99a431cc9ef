"""Weights times masks of low rank, in few passes over the weights, and saving nothing but what was given.

`weighed` is `W ⊙ M` of a matrix W and `M = PᵀQ`, P (S, rows) and Q (S, columns) thin. Plain autograd would keep M and
`W ⊙ M`, and go over W some ten times; this goes twice forward and four times backward. What is differentiated
twice, and what is traced by a compiler, is the plain formula.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from tanglert.nn.credit import credited
from tanglert.nn.plainly import differentiated


def weighed(w: Tensor, p: Tensor | None, q: Tensor | None) -> Tensor:
    """`W ⊙ PᵀQ`, (rows, columns); without P or Q all its rows or all its columns are alike."""
    if p is None and q is None:
        return w
    if torch.compiler.is_compiling():
        return _plain(w, p, q)
    result: Tensor = _Weighed.apply(w, p, q)  # type: ignore[no-untyped-call]
    return result


def credited_weight(w: Tensor, p: Tensor | None, q: Tensor | None) -> Tensor:
    """W itself, where `PᵀQ` is 1 everywhere, with the gradients of `weighed`. Differentiable once."""
    if not any(t is not None and t.requires_grad for t in (p, q)):
        return w
    result: Tensor = _Credited.apply(w, p, q)  # type: ignore[no-untyped-call]
    return result


def _plain(w: Tensor, p: Tensor | None, q: Tensor | None) -> Tensor:
    if p is not None and q is not None and len(p) > 1:
        return w * (p.t() @ q)
    for side in (None if p is None else p.t(), q):
        w = w if side is None else w * side
    return w


def _fast(w: Tensor, p: Tensor | None, q: Tensor | None) -> Tensor:
    """The same without a graph."""
    if p is None or q is None:
        return _plain(w, p, q)
    return (w * p.t()).mul_(q) if len(p) == 1 else (p.t() @ q).mul_(w)


def _sides(g: Tensor, w: Tensor, p: Tensor | None, q: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """The gradients of P and Q, where G is that of the result."""
    gw = g * w
    gp = None if p is None else gw.sum(1).view(1, -1) if q is None else q @ gw.t()
    gq = None if q is None else gw.sum(0).view(1, -1) if p is None else p @ gw
    return gp, gq


class _Weighed(Function):
    @staticmethod
    def forward(ctx: Any, w: Tensor, p: Tensor | None, q: Tensor | None) -> Tensor:
        ctx.save_for_backward(w, p, q)
        return _fast(w, p, q)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        w, p, q = ctx.saved_tensors
        if torch.is_grad_enabled():
            return differentiated(_plain, (w, p, q), g)
        gp, gq = _sides(g, w, p, q) if any(ctx.needs_input_grad[1:]) else (None, None)
        return _fast(g, p, q) if ctx.needs_input_grad[0] else None, gp, gq


class _Credited(Function):
    @staticmethod
    def forward(ctx: Any, w: Tensor, p: Tensor | None, q: Tensor | None) -> Tensor:
        ctx.save_for_backward(w, p, q)
        return w.view_as(w)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        return g, *_sides(g, *ctx.saved_tensors)


def scaled(x: Tensor, v: Tensor, dim: int) -> Tensor:
    """x times a vector along one of its axes, as an operation on activations, which saves x and v."""
    v = v if dim == -1 else v.view(-1, *[1] * (x.dim() - 1 - dim))
    return (x * v).to(x.dtype)  # which autocast has rounded


def credited_along(x: Tensor, v: Tensor, dim: int) -> Tensor:
    """x itself, where v is 1 everywhere, with the gradients of `scaled`. Differentiable once."""
    known, others = x.detach(), [d for d in range(x.dim()) if d != dim % x.dim()]
    return credited(x, v, lambda g: (g * known).sum(others))
