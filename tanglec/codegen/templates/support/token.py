import torch
from torch import Tensor, nn


class Token(nn.Module):
    """A learned token in front of the others: (B, L, D) to (B, L + 1, D)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(1, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.weight.expand(len(x), -1, -1), x], 1)
