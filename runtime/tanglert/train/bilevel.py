"""Bi-level training: weights on one part of the data, architecture parameters on the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from tanglert.arch import ArchBase
from tanglert.choices import Probabilities
from tanglert.data.part import Part
from tanglert.extent import Position
from tanglert.protocols import HardRelaxation, Relaxation, Task
from tanglert.relax.penalty import Penalty
from tanglert.supernet import SupernetBase
from tanglert.train.distributed import ALONE, World
from tanglert.train.engine import FUSED, DivergedError, Engine
from tanglert.train.options import Options, OptionsError
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
        world: World = ALONE,
        penalty: Penalty | None = None,
    ) -> None:
        super().__init__(supernet, task, train, options, world)
        self.penalty = penalty
        if options.order == 2 and options.accumulate > 1:
            raise OptionsError("order 2 looks ahead of one batch: it does not accumulate several")
        self.validation, self.relaxation = validation, relaxation
        self.arch_batches = self.batches_of(validation, "validation")
        self.alphas = list(relaxation.alphas.parameters())
        self.arch_optimizer = torch.optim.Adam(
            self.alphas,
            options.arch_lr,
            betas=(0.5, 0.999),
            weight_decay=relaxation.weight_decay,
            fused=self.device.type in FUSED,
        )

    def learn(self) -> dict[str, Tensor]:
        """One step of both, or of the weights alone during the warm-up."""
        self.relaxation.anneal(self.step / self.total)
        losses: dict[str, Tensor] = {}
        if self.epoch >= self.options.warmup:
            losses["arch_loss"] = self.learn_architecture()
        losses["train_loss"] = self.learn_weights()
        return losses

    def learn_weights(self) -> Tensor:
        """One step of the weights at one draw; the training loss."""
        drawn = self.draw()
        at = [drawn] if isinstance(drawn, ArchBase) else []
        return self.descend(lambda x, y: [self.task.loss(self.forward(x, drawn), y)], at=at)

    @torch.no_grad()
    def draw(self) -> ArchBase | Probabilities:
        """What a step of the weights runs at."""
        if isinstance(self.relaxation, HardRelaxation):
            return self.relaxation.sampled()
        return self.relaxation.sample()

    def learn_architecture(self) -> Tensor:
        """One step of the alphas at one draw; the validation loss with the penalty.

        The draw's own graph, from the alphas, is kept for all batches; the network's only for one.
        """
        drawn = self.relaxation.sample()
        parts = self.arch_batches.parts(self.step)
        losses = []
        for alpha in self.alphas:
            alpha.grad = torch.zeros_like(alpha)
        for number, index in enumerate(parts, 1):
            losses.append(self._add_gradient(drawn, index, len(parts), keep=number < len(parts)))
        mean = torch.stack(losses).mean().view(1)
        return self.update("arch_loss", mean, self.arch_optimizer, self.options.arch_clip)

    def _add_gradient(self, drawn: Probabilities, index: Tensor, parts: int, keep: bool) -> Tensor:
        """Adds to the alphas' gradients what one batch of `parts` contributes; its loss, without a graph."""
        loss = self.validation_loss(drawn, index)
        loss = loss + self.relaxation.penalty().to(loss)
        if self.penalty is not None:  # at the mean the cost is that which is to be expected of a draw
            loss = loss + self.penalty(self.relaxation.mean()).to(loss)
        gradients = torch.autograd.grad(loss / parts, self.alphas, retain_graph=keep, allow_unused=True)
        for alpha, gradient in zip(self.alphas, gradients, strict=True):
            if gradient is not None:
                assert alpha.grad is not None
                alpha.grad += gradient
        return loss.detach()

    def validation_loss(self, drawn: Probabilities, index: Tensor) -> Tensor:
        """The loss of the mixture on a validation batch; of second order after a step of the weights."""
        x, y = self.validation.batch(index)
        if self.options.order == 1:
            with frozen(self.optimizer):
                return self.task.loss(self.forward(x, drawn), y)
        train = self.train.batch(self.batches[self.step])
        lr, precision = self.learning_rate(), self.options.precision
        return unrolled_loss(self.supernet, self.task, drawn, train, (x, y), lr, self.world, precision)

    def circumstances(self, at: Sequence[ArchBase], bad: int | None) -> str:
        """The architecture that ran; of a mixture, which alphas are not finite, else its most probable choices."""
        if at:
            return super().circumstances(at, bad)
        broken = self.broken()
        if broken:
            return broken
        alphas = self.relaxation.alphas
        strongest = alphas.strongest(alphas.unstacked(alphas.scores().softmax(1)))
        choices = ", ".join(f"{named(p)} {p.choices[i]}" for p, i in strongest.items())
        return f"all architecture parameters are finite, the most probable choices are {choices}"

    def broken(self) -> str:
        """Which architecture parameters are not finite, as a sentence; empty if all are."""
        alphas = self.relaxation.alphas
        finite = alphas.stacked().detach().isfinite().all(1).tolist()
        places = [named(p) for p, fine in zip(alphas.positions, finite, strict=True) if not fine]
        return f"the architecture parameters of {', '.join(places)} are not finite" if places else ""

    def read(self) -> None:
        """Looks at the alphas too: not every draw shows that one is not finite."""
        super().read()
        broken = self.broken()
        if broken:
            raise DivergedError(f"{broken} (step {self.step}); a smaller arch_lr or arch_clip may help")

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


@contextmanager
def frozen(optimizer: torch.optim.Optimizer) -> Iterator[None]:
    """For a forward pass whose weights want no gradient: what only serves it is neither kept nor computed."""
    weights = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


def named(position: Position) -> str:
    """Such as `hidden` (position 2)."""
    return f"`{position.dim}` (position {position.index})"
