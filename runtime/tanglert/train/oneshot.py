"""One-shot training: one sampled architecture a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from tanglert.data.part import Part
from tanglert.protocols import Sampler, Task
from tanglert.supernet import SupernetBase
from tanglert.train.engine import Engine
from tanglert.train.options import Options


class OneShot(Engine):
    """Single path one-shot training (Guo et al. 2020): each batch trains the weights of one sampled subnet.

    A weight that is sliced gets a gradient of zeros outside the slice, so that AdamW's momentum and decay
    still move it there; a layer beyond the depth gets none and rests.
    """

    def __init__(
        self, supernet: SupernetBase, task: Task, train: Part, sampler: Sampler, options: Options
    ) -> None:
        super().__init__(supernet, task, train, options)
        self.sampler = sampler

    def learn(self) -> dict[str, Tensor]:
        """One step of the weights at one sampled architecture."""
        x, y = self.train.batch(self.batches[self.step])
        return {"train_loss": self.descend(self.task.loss(self.supernet(x, self.sampler()), y))}

    def state_dict(self) -> dict[str, Any]:
        """With the sampler's generator."""
        return {**super().state_dict(), "sampler": self.sampler.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state."""
        super().load_state_dict(state)
        self.sampler.load_state_dict(state["sampler"])
