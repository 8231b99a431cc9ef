import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """Stochastic depth: drops the whole input of a sample with probability `p` while training."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return x
        kept = torch.rand(len(x), *[1] * (x.dim() - 1), device=x.device) >= self.p
        return x * kept / (1 - self.p)
