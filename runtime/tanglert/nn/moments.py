"""The mixture of norms of every width, in few passes over the activations.

`mixed_norm` is the closed form of `tanglert.nn.norm` for x (N, D) and K joint choices. Of a token it needs two numbers for
each run of channels that the same choices read (`tanglert.nn.runs`), by the table T (K, runs) of who reads which:

    y = (x ⊙ Tᵀ(p r) − Tᵀ(p r m)) ⊙ w + shift,        m = T sums(x) / n,    r = (variance + eps)^-1/2.

Variances are taken of x less its last mean, so that `E[x²] − m²` does not cancel. Nothing is saved but x and the
statistics (K, N), as by a plain norm. What is differentiated twice is the plain formula; a compiler that traces it is given
the defining sum, if its terms are few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

from tanglert.nn.plainly import differentiated
from tanglert.nn.runs import Runs, passes_pay
from tanglert.nn.weighed import MOST_TERMS


class Widths(NamedTuple):
    """Which channels the joint choices read: `table` (K, D), `lengths` of runs, `short` (K, runs), `counts` (K, 1).

    means: `table / counts`, by which the means over the channels of each are had.
    """

    table: Tensor
    lengths: Sequence[int]
    short: Tensor
    counts: Tensor
    means: Tensor


Given: TypeAlias = tuple[Widths, float, bool]
"""Of a norm, what nothing is differentiated by: its widths, eps, whether it is centred."""


def mixed_norm(
    x: Tensor, p: Tensor, weight: Tensor, shift: Tensor | None, widths: Widths, eps: float, centred: bool
) -> Tensor:
    """The mixture over the last axis of x (…, D) by joint probabilities p (K).

    weight: (D). shift: (D), the bias times the probability that a channel is read. centred: False leaves the
    means in, as a root mean square norm does.
    """
    if torch.compiler.is_compiling():
        way = _fused if len(widths.table) <= MOST_TERMS else _plain
        return way(x, p, weight, shift, widths, eps, centred)
    flat = x.reshape(-1, x.shape[-1])
    function = _MixedNormByRuns if passes_pay(widths.lengths, x) else _MixedNorm
    result: Tensor = function.apply(flat, p, weight, shift, (widths, eps, centred))  # type: ignore[no-untyped-call]
    return result.view(x.shape)


def _plain(
    x: Tensor, p: Tensor, weight: Tensor, shift: Tensor | None, widths: Widths, eps: float, centred: bool
) -> Tensor:
    means, affine = widths.means, widths.table * weight
    if centred:
        x = x - F.linear(x.detach(), means[-1:])
    mean = F.linear(x, means) if centred else None
    square = F.linear(x * x, means)
    variance = square if mean is None else (square - mean * mean).clamp(min=0)
    weights = p * torch.rsqrt(variance + eps)
    y = x * (weights @ affine)
    if mean is not None:
        y = y - (weights * mean) @ affine
    return y if shift is None else y + shift


def _fused(
    x: Tensor, p: Tensor, weight: Tensor, shift: Tensor | None, widths: Widths, eps: float, centred: bool
) -> Tensor:
    """The same term by term, which a compiler makes a few loops of; products with thin matrices it leaves alone."""
    terms = []
    for probability, reads, count in zip(p, widths.table, widths.counts):
        part = x * reads
        mean = part.sum(-1, keepdim=True) / count if centred else 0.0
        centre = (x - mean) * reads
        r = torch.rsqrt(centre.square().sum(-1, keepdim=True) / count + eps)
        terms.append(centre * (probability * r))
    y: Tensor = reduce(torch.add, terms) * weight
    return y if shift is None else y + shift


class _MixedNorm(Function):
    """By products with thin matrices, whose sides are `weights` (K, N) and the channels of every choice, (K, D)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, p: Tensor, weight: Tensor, shift: Tensor | None, given: Given) -> Tensor:
        widths, eps, centred = given
        affine = widths.table * weight
        room, mean, r = _statistics(x, lambda x: widths.means @ x.t(), eps, centred)
        weights = p.unsqueeze(1) * r
        y = torch.mm(weights.t(), affine, out=room).mul_(x)
        if mean is None:
            y = y if shift is None else y.add_(shift)
        elif shift is None:
            y.addmm_((weights * -mean).t(), affine)
        else:  # in the same product: one pass less
            ones = torch.ones_like(mean[:1])
            y.addmm_(torch.cat([weights * -mean, ones]).t(), torch.cat([affine, shift.unsqueeze(0)]))
        ctx.save_for_backward(x, p, weight, shift, mean, r)
        ctx.given = given
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Any, ...]:
        x, p, weight, shift, mean, r = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _differentiated(ctx, x, p, weight, shift, g)
        widths, *_ = ctx.given
        wants_x, wants_p, wants_weight, wants_shift = ctx.needs_input_grad[:4]
        affine, weights = widths.table * weight, p.unsqueeze(1) * r
        room = g * x
        slope = affine @ room.t()  # of the weights p r, (K, N)
        shifted = None if mean is None else affine @ g.t()
        if mean is not None:
            slope.addcmul_(shifted, mean, value=-1)
        gp = (slope * r).sum(1) if wants_p else None
        gw = gs = gx = None
        if wants_weight:
            ga = weights @ room
            if mean is not None:
                ga.addmm_(weights * mean, g, alpha=-1)
            gw = ga.mul_(widths.table).sum(0)
        if shift is not None and wants_shift:
            gs = g.sum(0)
        if wants_x:
            bend = slope * weights * r * r  # of the variances, times -2
            gx = torch.mm(weights.t(), affine, out=room).mul_(g)
            gx.addcmul_(x, bend.t() @ widths.means, value=-1)
            if mean is not None:
                gx.addmm_((bend * mean - weights * shifted).t(), widths.means)
        return gx, gp, gw, gs, None


class _MixedNormByRuns(Function):
    """By passes over the runs of channels."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, p: Tensor, weight: Tensor, shift: Tensor | None, given: Given) -> Tensor:
        widths, eps, centred = given
        runs, over = Runs(widths.lengths), widths.short.t()
        means = widths.short / widths.counts
        room, mean, r = _statistics(x, lambda x: means @ runs.sums(x), eps, centred)
        weights = p.unsqueeze(1) * r
        scales, offsets = over @ weights, None if mean is None else over @ weights.mul_(mean)
        y = runs.scale(x, scales, room)
        if offsets is not None:
            runs.subtract_(y, offsets)
        y = y.mul_(weight) if shift is None else torch.addcmul(shift, y, weight, out=y)
        ctx.save_for_backward(x, p, weight, shift, mean, r, scales, offsets)
        ctx.given = given
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Any, ...]:
        x, p, weight, shift, mean, r, scales, offsets = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _differentiated(ctx, x, p, weight, shift, g)
        widths, *_ = ctx.given
        wants_x, wants_p, wants_weight, wants_shift = ctx.needs_input_grad[:4]
        runs, short, over = Runs(widths.lengths), widths.short, widths.short.t()
        room = g * x
        slope = short @ runs.dots(room, weight)  # of the weights p r, (K, N)
        shifted = None if mean is None else short @ runs.dots(g, weight)
        if mean is not None:
            slope.addcmul_(shifted, mean, value=-1)
        gp = (slope * r).sum(1) if wants_p else None
        gw = gs = gx = None
        if wants_weight:
            gw = runs.totals(room, scales)
            if mean is not None:
                gw -= runs.totals(g, offsets)
        if shift is not None and wants_shift:
            gs = g.sum(0)
        if wants_x:
            weights = p.unsqueeze(1) / widths.counts * r
            bend = slope.mul_(r).mul_(r).mul_(weights)  # of the sums of squares, times -2
            gx = runs.scale(torch.mul(g, weight, out=room), scales, room)
            runs.subtract_product_(gx, x, over @ bend)
            if mean is not None:
                runs.subtract_(gx, over @ (weights * shifted).addcmul_(bend, mean, value=-1))
        return gx, gp, gw, gs, None


def _differentiated(
    ctx: Any, x: Tensor, p: Tensor, weight: Tensor, shift: Tensor | None, g: Tensor
) -> tuple[Any, ...]:
    """What backward gives where it is differentiated itself."""

    def plain(x: Tensor, p: Tensor, weight: Tensor, shift: Tensor | None) -> Tensor:
        return _plain(x, p, weight, shift, *ctx.given)

    return *differentiated(plain, (x, p, weight, shift), g), None


def _statistics(
    x: Tensor, means: Callable[[Tensor], Tensor], eps: float, centred: bool
) -> tuple[Tensor, Tensor | None, Tensor]:
    """Room of the size of x, the means and the reciprocal deviations of every choice, (K, N).

    means: those of every choice of a tensor like x.
    """
    if not centred:
        square = x * x
        return square, None, means(square).add_(eps).rsqrt_()
    mean = means(x)
    centre = mean[-1]
    square = F.mse_loss(x, centre.unsqueeze(1).expand_as(x), reduction="none")
    apart = mean - centre
    variance = means(square).addcmul_(apart, apart, value=-1)
    return square, mean, variance.clamp_(min=0).add_(eps).rsqrt_()
