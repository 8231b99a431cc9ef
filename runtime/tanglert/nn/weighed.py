"""Weights times masks of low rank, in few passes over the weights, and saving nothing but what was given.

`weighed` is `W ⊙ M` of a matrix W and `M = PᵀQ`, P (S, rows) and Q (S, columns) thin. Plain autograd would keep M and
`W ⊙ M`, and go over W some ten times; this goes twice forward and four times backward. Where runs of rows have one mask,
M is not even made, and each run is gone over while the cache has it. What is differentiated twice, and what is traced
by a compiler, is the plain formula, or its terms written out.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from tanglert.nn.credit import credited
from tanglert.nn.plainly import differentiated

MOST_TERMS = 8
"""Up to how many terms of a sum are written out for a compiler."""


def weighed(w: Tensor, p: Tensor | None, q: Tensor | None, runs: Sequence[int] | None = None) -> Tensor:
    """`W ⊙ PᵀQ`, (rows, columns); without P or Q all its rows or all its columns are alike.

    runs: P (S, runs) has one column for so many rows each.
    """
    if p is None and q is None:
        return w
    if runs is not None:
        run_by_run: Tensor = _WeighedRuns.apply(w, p, q, runs)  # type: ignore[no-untyped-call]
        return run_by_run
    if torch.compiler.is_compiling():
        return _fused(w, p, q)
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


def _fused(w: Tensor, p: Tensor | None, q: Tensor | None) -> Tensor:
    """The same term by term, which a compiler makes one loop of; products with thin matrices it leaves alone."""
    if p is None or q is None or not 1 < len(p) <= MOST_TERMS:
        return _plain(w, p, q)
    terms = [rows.unsqueeze(1) * columns for rows, columns in zip(p, q)]
    mask: Tensor = reduce(torch.add, terms)
    return w * mask


def product_of(w: Tensor, p: Tensor | None, q: Tensor | None, room: Tensor | None = None) -> Tensor:
    """`weighed` without a graph, written to `room` if there is some: new memory takes as long as a pass over it."""
    if p is None or q is None:
        side = q if p is None else p.t()
        assert side is not None
        return torch.mul(w, side, out=room)
    if len(p) == 1:
        return torch.mul(w, p.t(), out=room).mul_(q)
    return torch.mm(p.t(), q, out=room).mul_(w)


def _sides(gw: Tensor, p: Tensor | None, q: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """The gradients of P and Q, where that of the result times W is `gw`."""
    gp = None if p is None else gw.sum(1).view(1, -1) if q is None else q @ gw.t()
    gq = None if q is None else gw.sum(0).view(1, -1) if p is None else p @ gw
    return gp, gq


class _Weighed(Function):
    @staticmethod
    def forward(ctx: Any, w: Tensor, p: Tensor | None, q: Tensor | None) -> Tensor:
        ctx.save_for_backward(w, p, q)
        return product_of(w, p, q)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        w, p, q = ctx.saved_tensors
        if torch.is_grad_enabled():
            return differentiated(_plain, (w, p, q), g)
        room = g * w if any(ctx.needs_input_grad[1:]) else None
        gp, gq = (None, None) if room is None else _sides(room, p, q)
        return product_of(g, p, q, room) if ctx.needs_input_grad[0] else None, gp, gq


class _WeighedRuns(Function):
    @staticmethod
    def forward(ctx: Any, w: Tensor, p: Tensor, q: Tensor, runs: Sequence[int]) -> Tensor:
        ctx.save_for_backward(w, p, q)
        ctx.runs = runs
        result = torch.empty_like(w)
        whole = (torch.split_with_sizes(t, runs) for t in (w, result))
        for mask, rows, out in zip(p.t() @ q, *whole):
            torch.mul(rows, mask, out=out)
        return result

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        w, p, q = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *differentiated(lambda w, p, q: _plain(w, _spread(p, ctx.runs), q), (w, p, q), g), None
        wanted = ctx.needs_input_grad
        gw, sums = torch.empty_like(w), w.new_empty(len(ctx.runs), w.shape[1])
        whole = (torch.split_with_sizes(t, ctx.runs) for t in (w, g, gw))
        for mask, rows, slope, room, total in zip(p.t() @ q, *whole, sums):
            if wanted[1] or wanted[2]:
                torch.sum(torch.mul(slope, rows, out=room), 0, out=total)
            if wanted[0]:
                torch.mul(slope, mask, out=room)
        return (
            gw if wanted[0] else None,
            q @ sums.t() if wanted[1] else None,
            p @ sums if wanted[2] else None,
            None,
        )


def _spread(p: Tensor, runs: Sequence[int]) -> Tensor:
    """P with a column for every row."""
    return p.repeat_interleave(torch.tensor(runs, device=p.device), 1, output_size=sum(runs))


class _Credited(Function):
    @staticmethod
    def forward(ctx: Any, w: Tensor, p: Tensor | None, q: Tensor | None) -> Tensor:
        ctx.save_for_backward(w, p, q)
        return w.view_as(w)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        w, p, q = ctx.saved_tensors
        return g, *_sides(g * w, p, q)


def scaled(x: Tensor, v: Tensor, dim: int) -> Tensor:
    """x times a vector along one of its axes, as an operation on activations, which saves x and v."""
    v = v if dim == -1 else v.view(-1, *[1] * (x.dim() - 1 - dim))
    y = x * v
    return y if y.dtype == x.dtype else y.to(x.dtype)  # which autocast has rounded


def credited_along(x: Tensor, v: Tensor, dim: int) -> Tensor:
    """x itself, where v is 1 everywhere, with the gradients of `scaled`. Differentiable once."""
    known, others = x.detach(), [d for d in range(x.dim()) if d != dim % x.dim()]
    return credited(x, v, lambda g: (g * known).sum(others))
