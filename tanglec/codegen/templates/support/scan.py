from __future__ import annotations

import torch
from torch import Tensor, nn


def scan(cell: nn.Module, xs: Tensor, state: Tensor) -> Tensor:
    """`state = cell(x, state)` for one token after the other: xs (B, L, D), state (B, H) to (B, L, H)."""
    outputs = []
    for x in xs.unbind(1):
        result = cell(x, state)
        output, state = result if isinstance(result, tuple) else (result, result)
        outputs.append(output)
    return torch.stack(outputs, 1)
