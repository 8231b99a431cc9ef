"""The second-order objective of DARTS: the validation loss after one step of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from tanglert.choices import Known, Probabilities
from tanglert.protocols import Task
from tanglert.supernet import SupernetBase
from tanglert.train.distributed import ALONE, World
from tanglert.train.options import OptionsError
from tanglert.train.precision import Precision, forward


def unrolled_loss(
    supernet: SupernetBase,
    task: Task,
    probabilities: Probabilities,
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    lr: float,
    world: World = ALONE,
    precision: Precision = "fp32",
) -> Tensor:
    """L_val(w', p) with w' = w - lr · dL_train(w, p)/dw, a scalar, differentiable in the probabilities p (once).

    Liu et al. 2019, equations 6 and 7: its gradient is dL_val/dp at w', less lr · d²L_train/dp dw · dL_val/dw'. The
    product is exact, where the paper's equation 8 takes a finite difference. The virtual step is plain
    gradient descent, without the optimiser's momentum, decay and clipping. Weights and their gradients are as
    before. Of several processes the virtual step is the common one: the result is this process's share of a mean.
    Raises OptionsError where the network has an operation whose second derivative torch does not know.
    """
    leaves = {name: p.detach().requires_grad_() for name, p in probabilities.items()}
    at = Known(leaves, getattr(probabilities, "in_play", {}))
    weights = [w for w in supernet.parameters() if w.requires_grad]
    with sdpa_kernel(SDPBackend.MATH):  # the fused kernels of attention have no second derivative
        loss = task.loss(forward(supernet, train[0], at, precision), train[1])
        steps = torch.autograd.grad(loss, weights, create_graph=True, allow_unused=True)
        with moved(weights, common(steps, world), lr):
            loss = task.loss(forward(supernet, validation[0], at, precision), validation[1])
            slopes = torch.autograd.grad(loss, [*weights, *at.values()], allow_unused=True)
        world.mean_(slopes[: len(weights)])
        reached = zip(steps, slopes[: len(weights)], strict=True)
        along = [(s * v).sum() for s, v in reached if s is not None and v is not None]
        bends = second(torch.stack(along).sum(), list(at.values()))
    total = {
        name: _or_zero(slope, at[name]) - lr * _or_zero(bend, at[name])
        for name, slope, bend in zip(at, slopes[len(weights) :], bends, strict=True)
    }
    return with_gradient(loss.detach(), probabilities, total)


def second(slope: Tensor, leaves: Sequence[Tensor]) -> Sequence[Tensor | None]:
    """The gradient of what is made of gradients. OptionsError if torch has none."""
    try:
        return torch.autograd.grad(slope, leaves, allow_unused=True)
    except RuntimeError as error:
        if "is not implemented" not in str(error):
            raise
        raise OptionsError(
            f"order 2 needs second derivatives, and torch lacks one of this network ({error}); take order 1",
            "order",
        ) from error


def common(steps: Sequence[Tensor | None], world: World) -> list[Tensor | None]:
    """Their values, the mean over all processes."""
    values = [None if step is None else step.detach().clone() for step in steps]
    world.mean_(values)
    return values


@contextmanager
def moved(weights: Sequence[nn.Parameter], steps: Sequence[Tensor | None], lr: float) -> Iterator[None]:
    """The weights less `lr` times `steps` for a while.

    Their storage is exchanged and put back, bit for bit, so that graphs made before hold again afterwards.
    """
    before = [w.data for w in weights]
    try:
        for w, step in zip(weights, steps, strict=True):
            w.data = w.data if step is None else w.data - lr * step
        yield
    finally:
        for w, data in zip(weights, before, strict=True):
            w.data = data


def with_gradient(value: Tensor, p: Probabilities, gradients: Mapping[str, Tensor]) -> Tensor:
    """`value`, with these gradients in the probabilities."""
    return value + torch.stack([(g * (p[n] - p[n].detach())).sum() for n, g in gradients.items()]).sum()


def _or_zero(gradient: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if gradient is None else gradient
