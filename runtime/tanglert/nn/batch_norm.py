"""Batch norm over elastic channels, and the recalibration of its statistics for one architecture.

Statistics belong to a channel and to the network around it, so running averages over many architectures fit
none (Yu and Huang 2019). Training uses the batch's; evaluation the ones of `recalibrate` if there are any,
else the batch's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tanglert.arch import ArchBase
from tanglert.choices import Choices, Sliced
from tanglert.dim import AxisLike, axis
from tanglert.nn.layer import Layer
from tanglert.nn.superpose import Entanglement, parts, take


class BatchNorm(Layer):
    """Batch norm over axis `dim` (1 for pixels, -1 for vectors and tokens), the gain on scale and shift.

    `running_mean`, `running_var` (C) are those of the architecture given to `recalibrate`, until the layer
    trains again.
    """

    weight: nn.Parameter | None
    bias: nn.Parameter | None
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(
        self,
        channels: AxisLike,
        dim: int = 1,
        affine: bool = True,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        lowering: str = "mask",
    ) -> None:
        super().__init__()
        self.reads = self.writes = axis(channels)
        self.group = self.reads.positions
        self.dim, self.eps, self.momentum, self.lowering = dim, eps, momentum, lowering
        self.calibrated = False
        self._seen: int | None = None  # batches seen by the recalibration that is under way
        size = self.reads.size
        self.own("weight", nn.Parameter(torch.ones(size)) if affine else None, self.reads)
        self.own("bias", nn.Parameter(torch.zeros(size)) if affine else None, self.reads)
        self.own("running_mean", torch.zeros(size), self.reads)
        self.own("running_var", torch.ones(size), self.reads)
        self.register_buffer("num_batches_tracked", torch.tensor(0))
        self.gain = None if affine else Entanglement(self.reads)

    def evaluate(self, x: Tensor, at: Choices, *shared: Tensor) -> Tensor:
        first = x.movedim(self.dim, 1)
        mean = var = None
        if self.calibrated and not self.training and self._seen is None:
            mean, var = self._statistics(at)
        y = F.batch_norm(
            first,
            mean,
            var,
            self.block("weight", at),
            self.block("bias", at),
            training=mean is None,
            eps=self.eps,
        )
        if self._seen is not None:
            self._observe(first, at)
        y = y.movedim(1, self.dim)
        return y if self.gain is None else self._scaled(y, at)

    def _scaled(self, y: Tensor, at: Choices) -> Tensor:
        """Without scale and shift, the gain multiplies the value."""
        if self.gain is None or isinstance(at, Sliced):
            return y
        shape = [1] * y.dim()
        shape[self.dim] = -1
        return y * self.gain.block(y.new_ones(self.reads.size), at).view(shape)

    def _statistics(self, at: Choices) -> tuple[Tensor, Tensor]:
        if isinstance(at, Sliced):
            return take(self.running_mean, self.reads, 0, at), take(self.running_var, self.reads, 0, at)
        return self.running_mean, self.running_var

    def _observe(self, x: Tensor, at: Choices) -> None:
        """Take one batch into the cumulative average, as torch does with `momentum=None`."""
        assert self._seen is not None
        self._seen += 1
        mean, var = (s.clone() for s in self._statistics(at))
        F.batch_norm(x, mean, var, training=True, momentum=1 / self._seen)
        for buffer, new in ((self.running_mean, mean), (self.running_var, var)):
            widths = [at.size(segment) for segment in self.reads.segments]
            for old, piece in zip(parts(buffer, self.reads, 0, at), new.split_with_sizes(widths)):
                old.copy_(piece)
        self.num_batches_tracked += 1

    def start(self) -> None:
        """Forget the statistics and observe the batches that follow."""
        self.running_mean.zero_()
        self.running_var.fill_(1)
        self.num_batches_tracked.zero_()
        self.calibrated, self._seen = False, 0

    def stop(self) -> None:
        """Use from now on what was observed."""
        self.calibrated, self._seen = bool(self._seen), None

    def train(self, mode: bool = True) -> Self:
        """Training changes the weights, so that statistics of before no longer fit."""
        self.calibrated = self.calibrated and not mode
        return super().train(mode)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *args)
        self.calibrated = not self.num_batches_tracked.is_meta and bool(self.num_batches_tracked.item())


@torch.no_grad()
def recalibrate(supernet: nn.Module, arch: ArchBase, batches: Iterable[Tensor | tuple[Tensor, ...]]) -> None:
    """Set every batch norm's statistics to those of the architecture: the cumulative average over the
    batches.

    A batch is the network's input, or a tuple of its inputs. Leaves the network in evaluation mode: training
    it forgets the statistics. ValueError if there is no batch.
    """
    norms = [module for module in supernet.modules() if isinstance(module, BatchNorm)]
    supernet.eval()
    for norm in norms:
        norm.start()
    count = 0
    try:
        for batch in batches:
            supernet(*(batch if isinstance(batch, tuple) else (batch,)), arch)
            count += 1
    finally:
        for norm in norms:
            norm.stop()
    if not count:
        raise ValueError("recalibration needs at least one batch")
