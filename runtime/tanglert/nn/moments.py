"""The mixture of norms of every width, in few passes over the activations.

`mixed_norm` is the closed form of `tanglert.nn.norm` for x (N, D), with `affine = T ⊙ w` (K, D) for the K joint
choices:

    y = x ⊙ (p r)ᵀ affine − (p r m)ᵀ affine + shift,        m = means · xᵀ,    r = (variance + eps)^-1/2.

Statistics are laid out (K, N): products of a thin matrix with xᵀ are twice as fast as those of x with its transpose.
Variances are taken of x less its last mean, so that `E[x²] − m²` does not cancel. Nothing is saved but x and the
statistics, as by a plain norm. What is differentiated twice, and what is traced by a compiler, is the plain formula.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional as F

from tanglert.nn.plainly import differentiated


def mixed_norm(
    x: Tensor, p: Tensor, affine: Tensor, shift: Tensor | None, means: Tensor, eps: float, centred: bool
) -> Tensor:
    """The mixture over the last axis of x (…, D) by joint probabilities p (K).

    affine, means: (K, D), weights and 1/n on the columns of each choice. shift: (D), of the bias. centred: False
    leaves the means in, as a root mean square norm does.
    """
    if torch.compiler.is_compiling():
        return _plain(x, p, affine, shift, means, eps, centred)
    flat = x.reshape(-1, x.shape[-1])
    result: Tensor = _MixedNorm.apply(flat, p, affine, shift, means, eps, centred)  # type: ignore[no-untyped-call]
    return result.view(x.shape)


def _plain(
    x: Tensor, p: Tensor, affine: Tensor, shift: Tensor | None, means: Tensor, eps: float, centred: bool
) -> Tensor:
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


class _MixedNorm(Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        p: Tensor,
        affine: Tensor,
        shift: Tensor | None,
        means: Tensor,
        eps: float,
        centred: bool,
    ) -> Tensor:
        room, mean, r = _statistics(x, means, eps, centred)
        weights = p.unsqueeze(1) * r
        y = torch.mm(weights.t(), affine, out=room).mul_(x)
        if mean is None:
            y = y if shift is None else y.add_(shift)
        elif shift is None:
            y.addmm_((weights * -mean).t(), affine)
        else:  # in the same product: one pass less
            ones = torch.ones_like(mean[:1])
            y.addmm_(torch.cat([weights * -mean, ones]).t(), torch.cat([affine, shift.unsqueeze(0)]))
        ctx.save_for_backward(x, p, affine, shift, means, mean, r)
        ctx.eps, ctx.centred = eps, centred
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Any, ...]:
        x, p, affine, shift, means, mean, r = ctx.saved_tensors
        if torch.is_grad_enabled():

            def plain(x: Tensor, p: Tensor, affine: Tensor, shift: Tensor | None) -> Tensor:
                return _plain(x, p, affine, shift, means, ctx.eps, ctx.centred)

            return *differentiated(plain, (x, p, affine, shift), g), None, None, None
        weights = p.unsqueeze(1) * r
        room = g * x
        slope = affine @ room.t()  # of the weights p r, (K, N)
        shifted = None if mean is None else affine @ g.t()
        if mean is not None:
            slope = slope - shifted * mean
        gp = (slope * r).sum(1) if ctx.needs_input_grad[1] else None
        ga = gs = gx = None
        if ctx.needs_input_grad[2]:
            ga = weights @ room
            if mean is not None:
                ga.addmm_(weights * mean, g, alpha=-1)
        if shift is not None and ctx.needs_input_grad[3]:
            gs = g.sum(0)
        if ctx.needs_input_grad[0]:
            bend = slope * weights * r * r  # of the variances, times -2
            gx = torch.mm(weights.t(), affine, out=room).mul_(g).addcmul_(x, bend.t() @ means, value=-1)
            if mean is not None:
                gx.addmm_((bend * mean - weights * shifted).t(), means)
        return gx, gp, ga, gs, None, None, None


def _statistics(x: Tensor, means: Tensor, eps: float, centred: bool) -> tuple[Tensor, Tensor | None, Tensor]:
    """Room of the size of x, the means and the reciprocal deviations of every choice, (K, N)."""
    if not centred:
        square = x * x
        return square, None, (means @ square.t()).add_(eps).rsqrt_()
    mean = means @ x.t()
    square = F.mse_loss(x, mean[-1].unsqueeze(1).expand_as(x), reduction="none")
    variance = (means @ square.t()).sub_((mean - mean[-1]).square_())
    return square, mean, variance.clamp_(min=0).add_(eps).rsqrt_()
