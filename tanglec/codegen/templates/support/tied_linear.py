import torch
import torch.nn.functional as F
from torch import Tensor, nn


class TiedLinear(nn.Module):
    """A linear map with another layer's weight and a bias of its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.linear(x, weight, self.bias)
