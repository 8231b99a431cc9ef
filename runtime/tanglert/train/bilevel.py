"""Bi-level training, first order: weights on one part of the data, architecture parameters on the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tanglert.data.part import Part
from tanglert.protocols import Relaxation, Task
from tanglert.supernet import SupernetBase
from tanglert.train.engine import Engine
from tanglert.train.options import Options
from tanglert.train.order import Batches


class Bilevel(Engine):
    """Each step: the architecture parameters on a validation batch, then the weights on a training batch.

    Liu et al. 2019 (DARTS), first order. The architecture's gradient is taken with respect to the alphas
    only, so that it never touches the weights' gradients, and the alphas are in no optimiser but their own.
    They rest during the warm-up.
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
        with torch.no_grad():
            probabilities = self.relaxation.sample()
        x, y = self.train.batch(self.batches[self.step])
        losses["train_loss"] = self.descend(self.task.loss(self.supernet(x, probabilities), y))
        return losses

    def learn_architecture(self) -> Tensor:
        """One step of the alphas; the validation loss of the sampled mixture, with the penalty."""
        x, y = self.validation.batch(self.arch_batches[self.step])
        loss = self.task.loss(self.supernet(x, self.relaxation.sample()), y)
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
