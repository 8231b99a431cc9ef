"""Which way to mix is the cheaper one: masks on the weights, or scales on the activations."""

from __future__ import annotations

import torch
from torch import Tensor

from tanglert.nn.superpose import Entanglement

ADVANTAGE = 1.7
"""How much dearer a number of a weight is than one of an activation: a mask takes so many more passes (measured)."""


def cheaper_scaled(lowering: str, masks: Entanglement, weight: Tensor, places: int) -> bool:
    """Whether to scale what goes in and comes out at `places` tokens or pixels, rather than to mask the weight.

    Scales go over `places` numbers for every channel that varies, masks over the weight. Where the weight wants no
    gradient, scales need none of the superposed weight either, which is a third of the whole work.
    """
    if lowering in ("mask", "scale") or not masks.scalable or not masks.positions:
        return lowering == "scale" and masks.scalable
    if torch.is_grad_enabled() and not weight.requires_grad:
        return True
    channels = sum(masks.sizes[int(axis)] for axis in masks.lines)
    return places * channels < ADVANTAGE * weight.numel()
