"""Which way to mix is the cheaper one: masks on the weights, or scales on the activations."""

from __future__ import annotations

import torch
from torch import Tensor

from tanglert.nn.superpose import Entanglement

ADVANTAGE = 1.7
"""How much dearer a number of a weight is than one of an activation: a mask takes so many more passes (measured)."""

WIDE = 120
"""How many numbers of a weight for every channel that varies make the gradient of a weight dearer than passes over the
activations, as they are both for every token (from the rates of a CPU, 100 GFLOP/s and 10 GB/s; elsewhere not known).
"""


def cheaper_scaled(
    lowering: str, masks: Entanglement, weight: Tensor, places: int, lean: bool = False
) -> bool:
    """Whether to scale what goes in and comes out at `places` tokens or pixels, rather than to mask the weight.

    Scales go over `places` numbers for every channel that varies, masks over the weight. Where the weight wants no
    gradient, scales need none of the superposed weight either: that is a third of the whole work, and pays on wide
    layers; but they keep what comes out for the backward pass, which a `lean` layer does not want.
    """
    if lowering in ("mask", "scale") or not masks.scalable or not masks.positions:
        return lowering == "scale" and masks.scalable
    if not weight.requires_grad and torch.is_grad_enabled() and weight.device.type == "cpu" and not lean:
        return weight.numel() > WIDE * masks.varying
    return places * masks.varying < ADVANTAGE * weight.numel()
