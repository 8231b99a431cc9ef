"""Options of a search, with defaults that suit the small spaces."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, TypeAlias, get_args

import torch

Optimizer: TypeAlias = Literal["darts", "gdas", "drnas", "spos", "fairnas", "sandwich"]
GRADIENT = ("darts", "gdas", "drnas")
"""Methods that learn architecture parameters; the others train sampled subnets, then rank architectures."""


class OptionsError(ValueError):
    """An option with a value that makes no sense."""


@dataclass(frozen=True)
class Options:
    """How to search.

    optimizer: bi-level and by gradients "darts", "gdas" or "drnas"; or on sampled subnets "spos" (one, uniform),
        "fairnas" (every choice equally often) or "sandwich" (largest, smallest and two random ones), then random
        search.
    epochs: passes over the training part, which is what `validation` leaves of the data's training part.
    validation: fraction that trains the architecture parameters, or ranks architectures; None is 0.5 and 0.2.
    warmup_epochs: at the start, without architecture steps; None is a fifth, rounded down.
    lr, min_lr: the weights' learning rate, at the start and at the end of its cosine. clip: largest gradient
        norm.
    arch_lr, arch_clip: of the architecture parameters (Adam with betas 0.5, 0.999). regulariser: "l2" is
        weight decay on them, "kl" the divergence of Dirichlets (drnas), or "none"; strength: of either.
    order: 2 looks at the validation loss after a step of the weights (darts). normalise: how darts makes
        probabilities, "softmax" or "sparsemax".
    evaluations: architectures that are ranked after training. random: random ones to compare the result with.
    strategy: how they are found, "random", "evolution" or "nsga2" (which also weighs parameters and multiply-adds).
    max_params, max_macs: what an architecture may cost; None is no limit.
    device: "auto", "cpu", "cuda", … save_every: steps between checkpoints within an epoch; 0 is none.
    """

    optimizer: Optimizer = "drnas"
    epochs: int = 10
    seed: int = 0
    batch_size: int = 32
    validation: float | None = None
    weight_optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: float = 3e-3
    min_lr: float = 1e-5
    weight_decay: float = 0.01
    momentum: float = 0.9
    clip: float = 5.0
    warmup_epochs: int | None = None
    arch_lr: float = 1e-2
    arch_clip: float = 5.0
    regulariser: Literal["l2", "kl", "none"] = "l2"
    strength: float = 1e-3
    order: int = 1
    normalise: Literal["softmax", "sparsemax"] = "softmax"
    evaluations: int = 100
    random: int = 10
    strategy: Literal["random", "evolution", "nsga2"] = "random"
    max_params: int | None = None
    max_macs: int | None = None
    device: str = "auto"
    save_every: int = 0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """The options of such a mapping, as `dataclasses.asdict` makes it. OptionsError on an unknown name."""
        known = [f.name for f in fields(cls)]
        for name in given:
            if name not in known:
                raise OptionsError(f"there is no option {name}; there are {', '.join(known)}")
        return cls(**given)

    def __post_init__(self) -> None:
        self._check_kinds()
        self._one_of("optimizer", *get_args(Optimizer))
        self._one_of("strategy", "random", "evolution", "nsga2")
        self._one_of("weight_optimizer", "adamw", "sgd")
        self._one_of("regulariser", "l2", "kl", "none")
        self._one_of("order", 1, 2)
        self._one_of("normalise", "softmax", "sparsemax")
        self._only("darts", "order", 2)
        self._only("darts", "normalise", "sparsemax")
        self._only("drnas", "regulariser", "kl")
        if self.by_gradients and self.strategy != "random":
            raise OptionsError(
                f"strategy {self.strategy} searches after training on sampled subnets (spos, fairnas, sandwich);"
                f" {self.optimizer} finds its architecture by gradients"
            )
        for name in ("max_params", "max_macs"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise OptionsError(f"{name} must be 1 at least, not {getattr(self, name)}")
        for name in ("epochs", "batch_size", "lr", "clip", "arch_lr", "arch_clip", "evaluations"):
            if not getattr(self, name) > 0:
                raise OptionsError(f"{name} must be above 0, not {getattr(self, name)}")
        for name in ("seed", "min_lr", "weight_decay", "momentum", "strength", "random", "save_every"):
            if not getattr(self, name) >= 0:
                raise OptionsError(f"{name} must not be negative, it is {getattr(self, name)}")
        if not 0 < self.validation_fraction < 1:
            raise OptionsError(f"validation is a fraction between 0 and 1, not {self.validation}")
        if not 0 <= self.warmup <= self.epochs:
            raise OptionsError(
                f"warmup_epochs must lie between 0 and epochs ({self.epochs}), not {self.warmup}"
            )

    def _check_kinds(self) -> None:
        """Every number is one, finite, and whole where the default or the annotation is."""
        for option in fields(self):
            value, kind = getattr(self, option.name), str(option.type)
            if value is None and "None" in kind:
                continue
            if "int" in kind and (not isinstance(value, int) or isinstance(value, bool)):
                raise OptionsError(f"{option.name} must be a whole number, not {value!r}")
            if "float" in kind and not (isinstance(value, int | float) and math.isfinite(value)):
                raise OptionsError(f"{option.name} must be a finite number, not {value!r}")

    def _one_of(self, name: str, *values: str | int) -> None:
        if getattr(self, name) not in values:
            listed = ", ".join(map(str, values))
            raise OptionsError(f"{name} is one of {listed}, not {getattr(self, name)!r}")

    def _only(self, optimizer: str, name: str, value: str | int) -> None:
        if getattr(self, name) == value and self.optimizer != optimizer:
            raise OptionsError(f"{name} {value} is for {optimizer}, not for {self.optimizer}")

    @property
    def by_gradients(self) -> bool:
        """Whether the method learns architecture parameters, instead of ranking architectures."""
        return self.optimizer in GRADIENT

    @property
    def validation_fraction(self) -> float:
        """The fraction of the training part that is set apart."""
        if self.validation is not None:
            return self.validation
        return 0.5 if self.by_gradients else 0.2

    @property
    def weight_decay_of_alphas(self) -> float:
        """What the optimiser of the architecture parameters applies."""
        return self.strength if self.regulariser == "l2" else 0.0

    @property
    def warmup(self) -> int:
        """Epochs in which the architecture parameters rest."""
        return self.epochs // 5 if self.warmup_epochs is None else self.warmup_epochs

    def torch_device(self) -> torch.device:
        """The device that `device` asks for. Raises OptionsError if there is no such device."""
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            device = torch.device(self.device)
            torch.zeros(1, device=device).item()  # `meta` can be asked for, but holds no numbers
        except (RuntimeError, AssertionError, ImportError, TypeError) as error:
            reason = str(error).splitlines()[0].split(". ")[0]
            raise OptionsError(f"device {self.device!r} is not to be had here ({reason})") from error
        return device
