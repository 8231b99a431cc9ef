"""How long a network takes on this machine."""

from __future__ import annotations

import time
from statistics import median

import torch
from torch import Tensor, nn

WARM_UP, TIMES = 5, 50


@torch.no_grad()
def milliseconds(network: nn.Module, x: Tensor, times: int = TIMES) -> float:
    """The median time of a forward pass of `x` (B, …) in evaluation mode; of a GPU, until it has finished."""
    network.eval()
    taken = []
    for _ in range(WARM_UP + times):
        start = time.perf_counter()
        network(x)
        if x.is_cuda:
            torch.cuda.synchronize(x.device)
        taken.append(time.perf_counter() - start)
    return 1000 * median(taken[WARM_UP:])
