"""The engine of a training loop: one step at a time, and a state from which it goes on bit for bit."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tanglert.arch import ArchBase
from tanglert.data.part import Part
from tanglert.nn.batch_norm import BatchNorm
from tanglert.protocols import Task
from tanglert.supernet import SupernetBase
from tanglert.train.distributed import ALONE, World
from tanglert.train.options import Options
from tanglert.train.order import Batches, derived_seed
from tanglert.train.precision import forward
from tanglert.train.touched import TouchedAdam, TouchedAdamW, TouchedSGD, moving, reading

# Steps after which losses are read from an accelerator: reading waits for it, so not every step.
READ_EVERY = 50

# Steps after which processes compare what they hold.
COMPARE_EVERY = 100

# Devices that have Adam in one pass over the parameters.
FUSED = "cpu", "cuda"


class DivergedError(RuntimeError):
    """A loss or gradient that is no longer finite."""


@dataclass(frozen=True)
class Note:
    """What a step leaves to be read: losses (k,) and the norm of their gradient, and what the network ran at."""

    name: str
    step: int
    losses: Tensor
    norm: Tensor
    at: Sequence[ArchBase]


class Engine(ABC):
    """What bi-level and one-shot training share: weights, their optimiser and schedule, data order, counters.

    The learning rate, the order of the data and the noise (dropout) are functions of the step, so that the state is
    the step, the weights, the optimisers, and what architectures are drawn from.

    `options.batch_size` is the batch of one process. A step takes `options.accumulate` of them in each process of
    `world`, one after another, all at the same architectures; it is the step that one process would make with a
    batch so many times as large (but for batch norms, which see one batch at a time).
    """

    def __init__(
        self, supernet: SupernetBase, task: Task, train: Part, options: Options, world: World = ALONE
    ) -> None:
        self.supernet, self.task, self.train, self.options = supernet, task, train, options
        self.world = world
        self.device = next(supernet.parameters()).device
        self.optimizer = weight_optimizer(supernet, options, self.device)
        self.batches = self.batches_of(train, "train")
        self.tracked = tracked_statistics(supernet)
        self.step = 0
        self.total = options.epochs * self.batches.per_epoch
        self.sums: dict[str, float] = {}
        self.unread: list[Note] = []

    def batches_of(self, part: Part, purpose: str) -> Batches:
        """The batches of this process."""
        return Batches(
            len(part),
            self.options.batch_size,
            self.options.seed,
            purpose,
            rank=self.world.rank,
            ranks=self.world.size,
            accumulate=self.options.accumulate,
        )

    @property
    def epoch(self) -> int:
        """The number of epochs that are complete."""
        return self.step // self.batches.per_epoch

    @property
    def done(self) -> bool:
        """Whether all epochs are."""
        return self.step >= self.total

    @property
    def between_epochs(self) -> bool:
        """Whether the last step completed an epoch."""
        return self.step > 0 and self.step % self.batches.per_epoch == 0

    def advance(self) -> dict[str, Tensor]:
        """One training step; its losses, on the device.

        DivergedError if one is not finite: on a CPU before the weights change, elsewhere within `READ_EVERY` steps and
        before anything is saved. ProcessesDiffer within `COMPARE_EVERY` steps.
        """
        if self.step % COMPARE_EVERY == 0:
            self.compare()
        if self.step % self.batches.per_epoch == 0:
            self.sums = {}
        if not self.supernet.training:  # to tell every module takes longer than a small step
            self.supernet.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        torch.manual_seed(derived_seed(self.options.seed, "noise", self.world.rank, self.step))
        losses = self.learn()
        self.step += 1
        if self.between_epochs or len(self.unread) >= READ_EVERY:
            self.read()
        return losses

    @abstractmethod
    def learn(self) -> dict[str, Tensor]:
        """What a step does, at the batches of number `self.step`; its losses by name."""

    def learning_rate(self) -> float:
        """Linear from 0 to lr in the warm-up, whose first step is not 0; then half a cosine down to min_lr."""
        low, high = min(self.options.min_lr, self.options.lr), self.options.lr
        warm = min(round(self.options.lr_warmup_epochs * self.batches.per_epoch), self.total)
        if self.step < warm:
            return high * (self.step + 1) / warm
        progress = (self.step - warm) / max(1, self.total - warm)
        return low + (high - low) * (1 + math.cos(math.pi * progress)) / 2

    def mean_losses(self) -> dict[str, float]:
        """Means over the steps of the epoch so far."""
        names = [name for name in self.sums if not name.endswith(" count")]
        return {name: self.sums[name] / self.sums[f"{name} count"] for name in names}

    def forward(self, x: Tensor, at: Any) -> Tensor:
        """The network at an architecture or probabilities, in the precision of the options."""
        return forward(self.supernet, x, at, self.options.precision)

    def descend(
        self,
        losses: Callable[[Tensor, Tensor], Iterable[Tensor]],
        count: int = 1,
        at: Sequence[ArchBase] = (),
    ) -> Tensor:
        """One step of the weights down the mean of the `count` losses of every batch; that mean.

        losses: of input and target, made one by one, so that one graph is held at a time. at: the architectures that
        they belong to, if they do.
        """
        self.optimizer.zero_grad(set_to_none=True)
        parts = self.batches.parts(self.step)
        values = []
        with reading(self.optimizer, self.supernet):
            for index in parts:
                for loss in losses(*self.train.batch(index)):
                    (loss / (count * len(parts))).backward()  # type: ignore[no-untyped-call]
                    values.append(loss.detach())
        means = torch.stack(values).view(len(parts), count).mean(0)
        return self.update("train_loss", means, self.optimizer, self.options.clip, at)

    def update(
        self,
        name: str,
        losses: Tensor,
        optimizer: torch.optim.Optimizer,
        clip: float,
        at: Sequence[ArchBase] = (),
    ) -> Tensor:
        """One step of an optimiser down the gradients at hand, their mean over all processes; the mean of the losses.

        Running averages of batch norms become their mean too. What is not finite is noticed before the step.
        """
        parameters = moving(optimizer)
        losses = losses.detach().clone()
        self.world.mean_([losses, *(p.grad for p in parameters), *self.tracked])
        self.note(Note(name, self.step, losses, nn.utils.clip_grad_norm_(parameters, clip), at))
        optimizer.step()
        return losses.mean()

    def note(self, note: Note) -> None:
        """Keep losses and the norm of their gradient; on a CPU, where that costs nothing, look at them at once."""
        self.unread.append(note)
        if self.device.type == "cpu":
            self.read()

    def read(self) -> None:
        """Add what was kept to the epoch's sums. DivergedError at the first that is not finite."""
        unread, self.unread = self.unread, []
        kept = [torch.cat([note.losses.float(), note.norm.float().view(1)]) for note in unread]
        values = torch.cat(kept).tolist() if kept else []
        for note in unread:
            count = len(note.losses)
            losses, norm, values = values[:count], values[count], values[count + 1 :]
            if not all(map(math.isfinite, (*losses, norm))):
                raise DivergedError(self._diverged(note, losses, norm))
            self.sums[note.name] = self.sums.get(note.name, 0.0) + sum(losses) / count
            self.sums[f"{note.name} count"] = self.sums.get(f"{note.name} count", 0.0) + 1

    def _diverged(self, note: Note, losses: list[float], norm: float) -> str:
        epoch, place = divmod(note.step, self.batches.per_epoch)
        bad = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), None)
        what = f"gradient has norm {norm}" if bad is None else f"loss is {losses[bad]}"
        kind = {"train_loss": "training", "arch_loss": "architecture"}[note.name]
        return (
            f"the {kind} {what} in epoch {epoch + 1}, batch {place + 1} of {self.batches.per_epoch} (step {note.step});"
            f" {self.circumstances(note.at, bad)}; nothing was saved since. A smaller learning rate (now"
            f" {self.learning_rate():.2g}) or gradient clip may help; if the first batch fails, look at the data"
        )

    def circumstances(self, at: Sequence[ArchBase], bad: int | None) -> str:
        """What the network ran at when loss number `bad`, or the gradient of them all, was not finite."""
        if bad is not None and bad < len(at):
            at = at[bad : bad + 1]
        return f"it ran at {' and at '.join(map(shown, at))}"

    def compare(self) -> None:
        """Raises ProcessesDiffer unless all processes hold the same weights, optimisers, generators, alphas."""
        if self.world.size > 1:
            self.world.require_equal(self.state_dict(), f"before step {self.step}")

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        self.read()
        return {
            "step": self.step,
            "sums": dict(self.sums),
            "weights": self.supernet.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state."""
        self.step, self.sums = int(state["step"]), dict(state["sums"])
        self.supernet.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])


def weight_optimizer(supernet: nn.Module, options: Options, device: torch.device) -> torch.optim.Optimizer:
    """AdamW, Adam, or SGD with or without Nesterov momentum. The first two fused where torch has it; fused SGD fails
    once a layer that rested gets its first gradient, when others have momentum already. Each for all entries of a
    weight, or for those that subnets read (`options.update`).
    """
    parameters = [p for p in supernet.parameters() if p.requires_grad]
    lr, decay, touched = options.lr, options.weight_decay, options.update == "touched"
    if options.weight_optimizer == "sgd":
        nesterov = options.nesterov and options.momentum > 0
        sgd = TouchedSGD if touched else torch.optim.SGD
        return sgd(parameters, lr, options.momentum, weight_decay=decay, nesterov=nesterov)
    kind: type[torch.optim.Adam] = TouchedAdam if touched else torch.optim.Adam
    if options.weight_optimizer == "adamw":
        kind = TouchedAdamW if touched else torch.optim.AdamW
    betas, fused = (options.beta1, options.beta2), device.type in FUSED
    return kind(parameters, lr, betas, weight_decay=decay, fused=fused)


def tracked_statistics(supernet: nn.Module) -> list[Tensor]:
    """The running averages of batch norms that keep some in training."""
    norms = [m for m in supernet.modules() if isinstance(m, BatchNorm) and m.track]
    return [statistic for norm in norms for statistic in (norm.tracked_mean, norm.tracked_var)]


def shown(arch: ArchBase) -> str:
    """An architecture within a sentence: `width=8, hidden=[4, -]`."""
    return ", ".join(f"{name}={value}" for name, value in arch.to_dict().items()).replace("None", "-")
