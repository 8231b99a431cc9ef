"""One-shot training: a few sampled architectures a batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tanglert.arch import ArchBase
from tanglert.data.part import Part
from tanglert.protocols import PathSampler, Task
from tanglert.supernet import SupernetBase
from tanglert.train.engine import Engine
from tanglert.train.options import Options


class OneShot(Engine):
    """One-shot training: each batch trains the weights of the subnets that the sampler names.

    One of them (Guo et al. 2020, SPOS), a fair round (FairNAS), or the largest, the smallest and random ones
    (sandwich rule). The step is the mean of their gradients, so that one learning rate and one clip suit all (Yu et
    al. 2020 take it too; the sandwich rule was published with the sum). One graph is held at a time.

    A weight that is sliced gets a gradient of zeros outside the slice, so that AdamW's momentum and decay
    still move it there; a layer beyond the depth gets none and rests.
    """

    def __init__(
        self, supernet: SupernetBase, task: Task, train: Part, sampler: PathSampler, options: Options
    ) -> None:
        super().__init__(supernet, task, train, options)
        self.sampler = sampler

    def learn(self) -> dict[str, Tensor]:
        """One step of the weights at the sampled architectures; the mean of their losses."""
        self.optimizer.zero_grad(set_to_none=True)
        paths = self.sampler.paths()
        losses = []
        for loss in self.losses(paths):
            (loss / len(paths)).backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
        mean = torch.stack(losses).mean()
        self.note("train_loss", mean, nn.utils.clip_grad_norm_(self.supernet.parameters(), self.options.clip))
        self.optimizer.step()
        return {"train_loss": mean}

    def losses(self, paths: Sequence[ArchBase]) -> Iterator[Tensor]:
        """The loss of every architecture on the step's batch, each when it is asked for."""
        x, y = self.train.batch(self.batches[self.step])
        first, *others = paths
        output = self.supernet(x, first)
        teacher = output.detach()
        yield self.task.loss(output, y)
        for arch in others:
            output = self.supernet(x, arch)
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
