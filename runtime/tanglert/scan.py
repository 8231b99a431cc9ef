"""Recurrent cells."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tanglert.choices import Choices


def scan(cell: nn.Module, xs: Tensor, state: Tensor, at: Choices) -> Tensor:
    """`state = cell(x, state)` for one token after the other; the states as tokens.

    xs (B, L, D), state (B, H) to (B, L, H). A cell with two results gives an output for every token and the
    next state; then the outputs (B, L, O) are the result.
    """
    outputs = []
    for x in xs.unbind(1):
        result = cell(x, state, at)
        output, state = result if isinstance(result, tuple) else (result, result)
        outputs.append(output)
    return torch.stack(outputs, 1)
