"""The engine of a training loop: one step at a time, and a state from which it goes on bit for bit."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tanglert.data.part import Part
from tanglert.protocols import Task
from tanglert.supernet import SupernetBase
from tanglert.train.options import Options
from tanglert.train.order import Batches

# Steps after which losses are read from an accelerator: reading waits for it, so not every step.
READ_EVERY = 50


class DivergedError(RuntimeError):
    """A loss or gradient that is no longer finite."""


class Engine(ABC):
    """What bi-level and one-shot training share: weights, their optimiser and schedule, data order, counters.

    The learning rate and the order of the data are functions of the step, so that the state is the step, the
    weights, the optimisers, and the random generators.
    """

    def __init__(self, supernet: SupernetBase, task: Task, train: Part, options: Options) -> None:
        self.supernet, self.task, self.train, self.options = supernet, task, train, options
        self.device = next(supernet.parameters()).device
        self.optimizer = weight_optimizer(supernet, options, self.device)
        self.batches = Batches(len(train), options.batch_size, options.seed, "train")
        self.step = 0
        self.total = options.epochs * self.batches.per_epoch
        self.sums: dict[str, float] = {}
        self.unread: list[tuple[str, int, Tensor]] = []  # name, step, (loss, norm of its gradient)

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
        before anything is saved.
        """
        if self.step % self.batches.per_epoch == 0:
            self.sums = {}
        self.supernet.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate()
        losses = self.learn()
        self.step += 1
        if self.between_epochs or len(self.unread) >= READ_EVERY:
            self.read()
        return losses

    @abstractmethod
    def learn(self) -> dict[str, Tensor]:
        """What a step does, at the batches of number `self.step`; its losses by name."""

    def learning_rate(self) -> float:
        """Half a cosine from lr to min_lr over all steps."""
        low, high = min(self.options.min_lr, self.options.lr), self.options.lr
        return low + (high - low) * (1 + math.cos(math.pi * self.step / self.total)) / 2

    def mean_losses(self) -> dict[str, float]:
        """Means over the steps of the epoch so far."""
        names = [name for name in self.sums if not name.endswith(" count")]
        return {name: self.sums[name] / self.sums[f"{name} count"] for name in names}

    def descend(self, loss: Tensor) -> Tensor:
        """One step of the weights down the gradient of `loss`; its value."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.note("train_loss", loss, nn.utils.clip_grad_norm_(self.supernet.parameters(), self.options.clip))
        self.optimizer.step()
        return loss.detach()

    def note(self, name: str, loss: Tensor, norm: Tensor) -> None:
        """Keep a loss and the norm of its gradient; on a CPU, where that costs nothing, look at them at once."""
        self.unread.append((name, self.step, torch.stack([loss.detach().float(), norm.float()])))
        if self.device.type == "cpu":
            self.read()

    def read(self) -> None:
        """Add what was kept to the epoch's sums. DivergedError at the first that is not finite."""
        unread, self.unread = self.unread, []
        values = torch.stack([pair for _, _, pair in unread]).tolist() if unread else []
        for (name, step, _), (loss, norm) in zip(unread, values, strict=True):
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise DivergedError(self._diverged(name, step, loss, norm))
            self.sums[name] = self.sums.get(name, 0.0) + loss
            self.sums[f"{name} count"] = self.sums.get(f"{name} count", 0.0) + 1

    def _diverged(self, name: str, step: int, loss: float, norm: float) -> str:
        epoch, place = divmod(step, self.batches.per_epoch)
        what = f"loss is {loss}" if not math.isfinite(loss) else f"gradient has norm {norm}"
        kind = {"train_loss": "training", "arch_loss": "architecture"}[name]
        return (
            f"the {kind} {what} in epoch {epoch + 1}, batch {place + 1} of {self.batches.per_epoch} (step {step});"
            f" nothing was saved since. A smaller learning rate (now {self.learning_rate():.2g}) or gradient clip may"
            " help; if the first batch fails, look at the data"
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        self.read()
        return {
            "step": self.step,
            "sums": dict(self.sums),
            "weights": self.supernet.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": rng_state(self.device),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state; the global generator (dropout) too."""
        self.step, self.sums = int(state["step"]), dict(state["sums"])
        self.supernet.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        set_rng_state(state["rng"], self.device)


def weight_optimizer(supernet: nn.Module, options: Options, device: torch.device) -> torch.optim.Optimizer:
    """AdamW or SGD with Nesterov momentum; fused where torch has it."""
    fused = device.type in ("cpu", "cuda")
    parameters = [p for p in supernet.parameters() if p.requires_grad]
    if options.weight_optimizer == "adamw":
        return torch.optim.AdamW(parameters, options.lr, weight_decay=options.weight_decay, fused=fused)
    return torch.optim.SGD(
        parameters,
        options.lr,
        momentum=options.momentum,
        nesterov=options.momentum > 0,
        weight_decay=options.weight_decay,
        fused=fused,
    )


def rng_state(device: torch.device) -> dict[str, Tensor]:
    """The global generators' states, which dropout uses."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_rng_state(state: Mapping[str, Tensor], device: torch.device) -> None:
    """Puts them back; a state of another kind of device is passed over."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
