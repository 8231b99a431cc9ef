"""One-shot training: a few sampled architectures a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from tanglert.arch import ArchBase
from tanglert.data.part import Part
from tanglert.protocols import PathSampler, Task
from tanglert.supernet import SupernetBase
from tanglert.train.distributed import ALONE, World
from tanglert.train.engine import Engine
from tanglert.train.options import Options


class OneShot(Engine):
    """One-shot training: each batch trains the weights of the subnets that the sampler names.

    One of them (Guo et al. 2020, SPOS), a fair round (FairNAS), or the largest, the smallest and random ones
    (sandwich rule). The step is the mean of their gradients, so that one learning rate and one clip suit all (Yu et
    al. 2020 take it too; the sandwich rule was published with the sum). One graph is held at a time.

    A weight that is sliced gets a gradient of zeros outside the slice, so that AdamW's momentum and decay
    still move it there, unless `options.update` is "touched"; a layer beyond the depth gets none and rests.
    """

    def __init__(
        self,
        supernet: SupernetBase,
        task: Task,
        train: Part,
        sampler: PathSampler,
        options: Options,
        world: World = ALONE,
    ) -> None:
        super().__init__(supernet, task, train, options, world)
        self.sampler = sampler

    def learn(self) -> dict[str, Tensor]:
        """One step of the weights at the sampled architectures; the mean of their losses."""
        self.sampler.anneal(self.step / self.total)
        paths = self.sampler.paths()
        return {"train_loss": self.descend(lambda x, y: self.losses(x, y, paths), len(paths), paths)}

    def losses(self, x: Tensor, y: Tensor, paths: Sequence[ArchBase]) -> Iterator[Tensor]:
        """The loss of every architecture on a batch, each when it is asked for."""
        first, *others = paths
        output = self.forward(x, first)
        teacher = output.detach()
        yield self.task.loss(output, y)
        for arch in others:
            output = self.forward(x, arch)
            yield distillation(output, teacher) if self.sampler.distils else self.task.loss(output, y)

    def state_dict(self) -> dict[str, Any]:
        """With the sampler's generator."""
        return {**super().state_dict(), "sampler": self.sampler.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state."""
        super().load_state_dict(state)
        self.sampler.load_state_dict(state["sampler"])


def distillation(output: Tensor, teacher: Tensor) -> Tensor:
    """Cross entropy of logits (…, classes) with the teacher's probabilities as targets, mean, in nats.

    In-place distillation (Yu and Huang 2019, section 3.3).
    """
    return F.cross_entropy(output.flatten(0, -2), teacher.flatten(0, -2).softmax(-1))
