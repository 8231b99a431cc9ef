"""Evaluation with inherited weights: the network as it is in the supernet, nothing trained further."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from tanglert.arch import ArchBase
from tanglert.choices import Probabilities
from tanglert.data.part import Part
from tanglert.nn.batch_norm import BatchNorm, recalibrate
from tanglert.protocols import Task
from tanglert.supernet import SupernetBase
from tanglert.train.distributed import ALONE, World
from tanglert.train.precision import Precision, forward, rounded

CALIBRATION = 1024
"""Samples over which batch-norm statistics are averaged: 16 batches of 64 are enough, 1 of 64 nearly so."""

MIXTURE_BATCH = 256
"""Below this, statistics of the batch are too noisy to measure with."""


class Evaluator:
    """Measures architectures and mixtures of one supernet, which is left in evaluation mode.

    Batch norms get the statistics of each architecture from `calibration`, a training part, beforehand, unless
    they all keep running averages (`track`). For a mixture, which has none of its own, they use those of the
    batch, which is then at least `MIXTURE_BATCH`.

    The processes of `world` divide the batches among them, the same batches that one process would take, and all
    have the same figures and statistics in the end.
    """

    def __init__(
        self,
        supernet: SupernetBase,
        task: Task,
        calibration: Part,
        batch_size: int,
        world: World = ALONE,
        precision: Precision = "fp32",
    ) -> None:
        self.supernet, self.task, self.batch_size = supernet, task, batch_size
        self.calibration, self.world, self.precision = calibration, world, precision
        self.norms = [m for m in supernet.modules() if isinstance(m, BatchNorm)]
        self.has_batch_norm = bool(self.norms)
        self.recalibrates = any(not norm.track for norm in self.norms)

    def subnet(self, arch: ArchBase, part: Part) -> dict[str, float]:
        """Metrics of the sliced subnet of `arch` over all of `part`."""
        self.supernet.eval()
        if self.recalibrates:
            self.calibrate(arch)
        return self._measure(arch, part, self.batch_size)

    def mixture(self, probabilities: Probabilities, part: Part) -> dict[str, float]:
        """Metrics of the superposition over all of `part`."""
        self.supernet.train()  # forgets the statistics of any one architecture
        self.supernet.eval()
        size = max(self.batch_size, MIXTURE_BATCH) if self.has_batch_norm else self.batch_size
        return self._measure(probabilities, part, size)

    def calibrate(self, arch: ArchBase) -> None:
        """Give the batch norms the statistics of `arch`."""
        whole = cuts(self.batch_size, min(CALIBRATION, len(self.calibration)))
        own = self._share(whole)
        with rounded(self.device, self.precision):
            recalibrate(self.supernet, arch, (x for x, _ in batches(self.calibration, own)))
        if len(own) < len(whole):
            self._merge(len(own), len(whole))

    @torch.no_grad()
    def _merge(self, own: int, whole: int) -> None:
        """From averages over the batches of every process to those over all batches."""
        statistics = [s for norm in self.norms for s in (norm.running_mean, norm.running_var)]
        for statistic in statistics:
            statistic.mul_(own * self.world.size / whole)
        self.world.mean_(statistics)
        for norm in self.norms:
            norm.num_batches_tracked.fill_(whole)

    @torch.no_grad()
    def _measure(self, at: ArchBase | Probabilities, part: Part, size: int) -> dict[str, float]:
        whole = cuts(size, len(part))
        own = self._share(whole)
        outputs = ((forward(self.supernet, x, at, self.precision), y) for x, y in batches(part, own))
        tally = torch.stack([self.task.tally(output, y) for output, y in outputs]).sum(0)
        return self.task.metrics(self.world.sum(tally) if len(own) < len(whole) else tally)

    def _share(self, whole: list[range]) -> list[range]:
        """The batches of this process; all, in all of them, where they do not go round."""
        if len(whole) < self.world.size:
            return whole
        return whole[self.world.rank :: self.world.size]

    @property
    def device(self) -> torch.device:
        """Where the supernet is."""
        return next(self.supernet.parameters()).device


def cuts(size: int, count: int) -> list[range]:
    """`count` items in batches of `size`, the last one as small as it comes.

    A single item that is left over joins the batch before it: alone it has no variance, which batch norms need.
    """
    stops = [*range(size, count - 1, size), count]
    return [range(start, stop) for start, stop in zip([0, *stops], stops)]


def batches(part: Part, ranges: Iterable[range]) -> Iterator[tuple[Tensor, Tensor]]:
    """The items of every range, a batch each."""
    for items in ranges:
        yield part.batch(torch.arange(items.start, items.stop))
