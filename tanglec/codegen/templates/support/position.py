import torch
from torch import Tensor, nn


class Position(nn.Module):
    """A learned vector for every token: (1, L, D)."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(1, length, width))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight
