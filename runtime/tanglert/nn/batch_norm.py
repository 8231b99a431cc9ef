"""Batch norm over elastic channels, and the recalibration of its statistics for one architecture.

Statistics belong to a channel and to the network around it, so running averages over many architectures fit
none (Yu and Huang 2019). Training uses the batch's; evaluation the ones of `recalibrate` if there are any,
else the batch's. `track=True` is the other policy that Yu et al. (2020) compare: running averages over whatever
is trained are kept, and stand in for the batch's in evaluation.
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
    trains again. With `track`, `tracked_mean`, `tracked_var` (C) are averages with `momentum` as torch takes
    them: an architecture moves those of its own channels, a mixture all that it computes. ValueError for `track` without
    `momentum`.
    """

    weight: nn.Parameter | None
    bias: nn.Parameter | None
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    tracked_mean: Tensor
    tracked_var: Tensor

    def __init__(
        self,
        channels: AxisLike,
        dim: int = 1,
        affine: bool = True,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        track: bool = False,
        lowering: str = "auto",
    ) -> None:
        super().__init__()
        self.reads = self.writes = axis(channels)
        self.group = self.reads.positions
        self.dim, self.eps, self.momentum, self.lowering = dim, eps, momentum, lowering
        self.track = track
        self.calibrated = False
        self._seen: int | None = None  # batches seen by the recalibration that is under way
        size = self.reads.size
        self.own("weight", nn.Parameter(torch.ones(size)) if affine else None, self.reads)
        self.own("bias", nn.Parameter(torch.zeros(size)) if affine else None, self.reads)
        self.own("running_mean", torch.zeros(size), self.reads)
        self.own("running_var", torch.ones(size), self.reads)
        self.register_buffer("num_batches_tracked", torch.tensor(0))
        self.gain = None if affine else Entanglement(self.reads)
        if track:
            if momentum is None:
                raise ValueError("a batch norm that tracks its statistics needs a momentum")
            self.own("tracked_mean", torch.zeros(size), self.reads)
            self.own("tracked_var", torch.ones(size), self.reads)

    def forward(self, x: Tensor, at: Choices, *shared: Tensor) -> Tensor:
        """The normalised tensor. Averages see each batch once, however the mixture is computed."""
        if self._seen is not None:
            self._seen += 1
            self.num_batches_tracked += 1
            self._observe(x, at, self.running_mean, self.running_var, 1 / self._seen)
        elif self.track and self.training:
            assert self.momentum is not None
            self._observe(x, at, self.tracked_mean, self.tracked_var, self.momentum)
        return super().forward(x, at, *shared)

    def evaluate(self, x: Tensor, at: Choices, *shared: Tensor) -> Tensor:
        first = x.movedim(self.dim, 1)
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
        y = y.movedim(1, self.dim)
        return y if self.gain is None else self._scaled(y, at)

    def _scaled(self, y: Tensor, at: Choices) -> Tensor:
        """Without scale and shift, the gain multiplies the value."""
        if self.gain is None or isinstance(at, Sliced):
            return y
        shape = [1] * y.dim()
        shape[self.dim] = -1
        return y * self.gain.block(y.new_ones(self.reads.size), at).view(shape)

    def _statistics(self, at: Choices) -> tuple[Tensor, Tensor] | tuple[None, None]:
        """What to normalise with: None for the batch's own."""
        if self.training or self._seen is not None:
            return None, None
        if self.calibrated:
            return self._part(self.running_mean, at), self._part(self.running_var, at)
        if self.track:
            return self._part(self.tracked_mean, at), self._part(self.tracked_var, at)
        return None, None

    def _part(self, statistic: Tensor, at: Choices) -> Tensor:
        return take(statistic, self.reads, 0, at) if at.cuts(self.reads) else statistic

    @torch.no_grad()
    def _observe(self, x: Tensor, at: Choices, mean: Tensor, var: Tensor, momentum: float) -> None:
        """Take one batch into averages, those of the channels that it has."""
        own = [self._part(s, at).clone() for s in (mean, var)]
        F.batch_norm(x.movedim(self.dim, 1), own[0], own[1], training=True, momentum=momentum)
        for statistic, new in zip((mean, var), own):
            pieces = parts(statistic, self.reads, 0, at) if at.cuts(self.reads) else [statistic]
            for old, piece in zip(pieces, new.split_with_sizes([len(p) for p in pieces])):
                old.copy_(piece)

    def subnet_state(self, at: Choices) -> dict[str, Tensor]:
        """As a batch norm of torch has it: one pair of statistics, those that evaluation uses."""
        state = super().subnet_state(at)
        for name in ("mean", "var") if self.track else ():
            tracked = state.pop(f"tracked_{name}")
            if not self.calibrated:
                state[f"running_{name}"] = tracked
        return state

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
        if mode and self.calibrated:
            self.calibrated = False
            self.num_batches_tracked.zero_()
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
