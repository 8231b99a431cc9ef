"""The second-order objective of DARTS: the validation loss after one step of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from tanglert.choices import Probabilities
from tanglert.protocols import Task
from tanglert.supernet import SupernetBase


def unrolled_loss(
    supernet: SupernetBase,
    task: Task,
    probabilities: Probabilities,
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    lr: float,
) -> Tensor:
    """L_val(w', p) with w' = w - lr · dL_train(w, p)/dw, a scalar, differentiable in the probabilities p (once).

    Liu et al. 2019, equations 6 and 7: its gradient is dL_val/dp at w', less lr · d²L_train/dp dw · dL_val/dw'. The
    product is exact, where the paper's equation 8 takes a finite difference. The virtual step is plain
    gradient descent, without the optimiser's momentum, decay and clipping. Weights and their gradients are as
    before.
    """
    at = {name: p.detach().requires_grad_() for name, p in probabilities.items()}
    weights = [w for w in supernet.parameters() if w.requires_grad]
    with sdpa_kernel(SDPBackend.MATH):  # the fused kernels of attention have no second derivative
        loss = task.loss(supernet(train[0], at), train[1])
        steps = torch.autograd.grad(loss, weights, create_graph=True, allow_unused=True)
        with moved(weights, steps, lr):
            loss = task.loss(supernet(validation[0], at), validation[1])
            slopes = torch.autograd.grad(loss, [*weights, *at.values()], allow_unused=True)
        reached = zip(steps, slopes[: len(weights)], strict=True)
        along = [(s * v).sum() for s, v in reached if s is not None and v is not None]
        bends = torch.autograd.grad(torch.stack(along).sum(), list(at.values()), allow_unused=True)
    total = {
        name: _or_zero(slope, at[name]) - lr * _or_zero(bend, at[name])
        for name, slope, bend in zip(at, slopes[len(weights) :], bends, strict=True)
    }
    return with_gradient(loss.detach(), probabilities, total)


@contextmanager
def moved(weights: Sequence[nn.Parameter], steps: Sequence[Tensor | None], lr: float) -> Iterator[None]:
    """The weights less `lr` times `steps` for a while.

    Their storage is exchanged and put back, bit for bit, so that graphs made before hold again afterwards.
    """
    before = [w.data for w in weights]
    try:
        for w, step in zip(weights, steps, strict=True):
            w.data = w.data if step is None else w.data - lr * step.detach()
        yield
    finally:
        for w, data in zip(weights, before, strict=True):
            w.data = data


def with_gradient(value: Tensor, p: Probabilities, gradients: Mapping[str, Tensor]) -> Tensor:
    """`value`, with these gradients in the probabilities."""
    return value + torch.stack([(g * (p[n] - p[n].detach())).sum() for n, g in gradients.items()]).sum()


def _or_zero(gradient: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if gradient is None else gradient
