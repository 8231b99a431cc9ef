"""Mixed precision: the network in bfloat16, everything else as it is.

Weights, their gradients and optimisers, architecture parameters and what is drawn from them stay float32 (or
float64); autocast rounds what goes into matrix products and convolutions. The superposition of weights and the
moments of norms, sums over choices, are left alone too (`tanglert.nn.unrounded`).
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from tanglert.supernet import SupernetBase

Precision: TypeAlias = Literal["fp32", "bf16"]


def forward(supernet: SupernetBase, x: Tensor, at: Any, precision: Precision) -> Tensor:
    """The network's output at an architecture or probabilities; after bf16 as float32, for the loss."""
    with rounded(x.device, precision):
        output = supernet(x, at)
    return output if precision == "fp32" else output.float()


def rounded(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """Within its `with` block operations run in this precision."""
    return nullcontext() if precision == "fp32" else torch.autocast(device.type, torch.bfloat16)
