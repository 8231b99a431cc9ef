"""Bi-level training: weights on one part of the data, architecture parameters on the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tanglert.arch import ArchBase
from tanglert.choices import Probabilities
from tanglert.data.part import Part
from tanglert.protocols import HardRelaxation, Relaxation, Task
from tanglert.supernet import SupernetBase
from tanglert.train.engine import Engine
from tanglert.train.options import Options
from tanglert.train.order import Batches
from tanglert.train.unrolled import unrolled_loss


class Bilevel(Engine):
    """Each step: the architecture parameters on a validation batch, then the weights on a training batch.

    Liu et al. 2019 (DARTS), of first order, or of second (`options.order`). The architecture's gradient is taken
    with respect to the alphas only, so that it never touches the weights' gradients, and the alphas are in no
    optimiser but their own. They rest during the warm-up. Weights learn at a draw of their own: of the mixture,
    or of a sliced architecture where the relaxation is a hard one (GDAS).
    """

    def __init__(
        self,
        supernet: SupernetBase,
        task: Task,
        train: Part,
        validation: Part,
        relaxation: Relaxation,
        options: Options,
    ) -> None:
        super().__init__(supernet, task, train, options)
        self.validation, self.relaxation = validation, relaxation
        self.arch_batches = Batches(len(validation), options.batch_size, options.seed, "validation")
        self.alphas = list(relaxation.alphas.parameters())
        self.arch_optimizer = torch.optim.Adam(
            self.alphas, options.arch_lr, betas=(0.5, 0.999), weight_decay=relaxation.weight_decay
        )

    def learn(self) -> dict[str, Tensor]:
        """One step of both, or of the weights alone during the warm-up."""
        self.relaxation.anneal(self.step / self.total)
        losses: dict[str, Tensor] = {}
        if self.epoch >= self.options.warmup:
            losses["arch_loss"] = self.learn_architecture()
        drawn = self.draw()
        x, y = self.train.batch(self.batches[self.step])
        losses["train_loss"] = self.descend(self.task.loss(self.supernet(x, drawn), y))
        return losses

    @torch.no_grad()
    def draw(self) -> ArchBase | Probabilities:
        """What a step of the weights runs at."""
        if isinstance(self.relaxation, HardRelaxation):
            return self.relaxation.sampled()
        return self.relaxation.sample()

    def validation_loss(self) -> Tensor:
        """The loss of the sampled mixture on a validation batch; of second order after a step of the weights."""
        x, y = self.validation.batch(self.arch_batches[self.step])
        probabilities = self.relaxation.sample()
        if self.options.order == 1:
            return self.task.loss(self.supernet(x, probabilities), y)
        train = self.train.batch(self.batches[self.step])
        lr = self.learning_rate()
        return unrolled_loss(self.supernet, self.task, probabilities, train, (x, y), lr)

    def learn_architecture(self) -> Tensor:
        """One step of the alphas; the validation loss with the penalty."""
        loss = self.validation_loss()
        loss = loss + self.relaxation.penalty().to(loss)
        gradients = torch.autograd.grad(loss, self.alphas, allow_unused=True)
        for alpha, gradient in zip(self.alphas, gradients, strict=True):
            alpha.grad = torch.zeros_like(alpha) if gradient is None else gradient
        self.note("arch_loss", loss, torch.nn.utils.clip_grad_norm_(self.alphas, self.options.arch_clip))
        self.arch_optimizer.step()
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        """With the relaxation (alphas, generator) and the alphas' optimiser."""
        extra = {
            "relaxation": self.relaxation.state_dict(),
            "arch_optimizer": self.arch_optimizer.state_dict(),
        }
        return {**super().state_dict(), **extra}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state."""
        super().load_state_dict(state)
        self.relaxation.load_state_dict(state["relaxation"])
        self.arch_optimizer.load_state_dict(state["arch_optimizer"])
