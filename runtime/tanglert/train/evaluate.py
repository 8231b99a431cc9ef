"""Evaluation with inherited weights: the network as it is in the supernet, nothing trained further."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from tanglert.arch import ArchBase
from tanglert.choices import Probabilities
from tanglert.data.part import Part
from tanglert.nn.batch_norm import BatchNorm, recalibrate
from tanglert.protocols import Task
from tanglert.supernet import SupernetBase

CALIBRATION = 1024
"""Samples over which batch-norm statistics are averaged: 16 batches of 64 are enough, 1 of 64 nearly so."""

MIXTURE_BATCH = 256
"""Below this, statistics of the batch are too noisy to measure with."""


class Evaluator:
    """Measures architectures and mixtures of one supernet, which is left in evaluation mode.

    Batch norms get the statistics of each architecture from `calibration`, a training part, beforehand, unless
    they all keep running averages (`track`). For a mixture, which has none of its own, they use those of the
    batch, which is then at least `MIXTURE_BATCH`.
    """

    def __init__(self, supernet: SupernetBase, task: Task, calibration: Part, batch_size: int) -> None:
        self.supernet, self.task, self.batch_size = supernet, task, batch_size
        self.calibration = calibration
        norms = [m for m in supernet.modules() if isinstance(m, BatchNorm)]
        self.has_batch_norm = bool(norms)
        self.recalibrates = any(not norm.track for norm in norms)

    def subnet(self, arch: ArchBase, part: Part) -> dict[str, float]:
        """Metrics of the sliced subnet of `arch` over all of `part`."""
        self.supernet.eval()
        if self.recalibrates:
            self.calibrate(arch)
        return self._measure(lambda x: self.supernet(x, arch), part, self.batch_size)

    def calibrate(self, arch: ArchBase) -> None:
        """Give the batch norms the statistics of `arch`."""
        count = min(CALIBRATION, len(self.calibration))
        recalibrate(self.supernet, arch, (x for x, _ in batches(self.calibration, self.batch_size, count)))

    def mixture(self, probabilities: Probabilities, part: Part) -> dict[str, float]:
        """Metrics of the superposition over all of `part`."""
        self.supernet.train()  # forgets the statistics of any one architecture
        self.supernet.eval()
        size = max(self.batch_size, MIXTURE_BATCH) if self.has_batch_norm else self.batch_size
        return self._measure(lambda x: self.supernet(x, probabilities), part, size)

    @torch.no_grad()
    def _measure(self, network: Callable[[Tensor], Tensor], part: Part, size: int) -> dict[str, float]:
        tallies = [self.task.tally(network(x), y) for x, y in batches(part, size, len(part))]
        return self.task.metrics(torch.stack(tallies).sum(0))


def batches(part: Part, size: int, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The first `count` items in their order, the last batch as small as it comes.

    A single item that is left over joins the batch before it: alone it has no variance, which batch norms need.
    """
    start = 0
    for stop in (*range(size, count - 1, size), count):
        yield part.batch(torch.arange(start, stop))
        start = stop
