"""Budgets: which architectures are small enough, without building one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tanglert.arch import ArchBase
from tanglert.protocols import SpaceModule
from tanglert.search.descent import descend

A = TypeVar("A", bound=ArchBase)

_STARTS = 8


class NothingAdmitted(ValueError):
    """A limit that no architecture meets, as far as was looked."""


@dataclass(frozen=True)
class Limit:
    """What architectures may cost at most. cost: of one, e.g. a `LatencyTable`."""

    most: float
    cost: Callable[[Any], float]

    def excess(self, arch: ArchBase) -> float:
        """By which part of the limit an architecture is above it, 0 within."""
        return max(0.0, self.cost(arch) / self.most - 1)


@dataclass(frozen=True)
class Budget:
    """Admits the architectures of `module`'s space that cost no more than the limits; None is no limit.

    max_params: parameters. max_macs: multiply-adds of one sample. others: limits by name, such as
    `{"max_latency": Limit(20, LatencyTable.read(...))}`. Nothing is built to find out.

    Raises ValueError on a limit of parameters or multiply-adds below 1, and on another that is not above 0.
    """

    module: SpaceModule
    max_params: int | None = None
    max_macs: int | None = None
    others: Mapping[str, Limit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, limit in self.limits().items():
            least = 0 if name in self.others else 1
            if not (limit.most > 0 and least <= limit.most < math.inf):
                raise ValueError(
                    f"{name} must be {'above 0' if not least else '1 at least'}, not {limit.most}"
                )

    def __call__(self, arch: ArchBase) -> bool:
        """Whether the architecture keeps every limit."""
        return all(limit.cost(arch) <= limit.most for limit in self.limits().values())

    def repaired(self, arch: A) -> A | None:
        """An architecture within the limits, by random steps to cheaper ones (`descend`); None if they lead nowhere."""
        found = descend(arch, self._excess)
        return found if self(found) else None

    def check(self) -> None:
        """Raises NothingAdmitted where the limits are below the smallest architecture.

        Smallest is the best of what steps down from eight random architectures find (`descend`): exact where every
        choice can be made cheaper by itself, as sizes can; where costs or conditions (`require`) bind
        choices together, a smaller one may have been missed.
        """
        sampler = self.module.Sampler(0)
        starts = [sampler() for _ in range(_STARTS)]
        for name, limit in self.limits().items():
            ends = [descend(arch, limit.cost, limit.most) for arch in starts]
            smallest = min(ends, key=limit.cost)
            if limit.cost(smallest) > limit.most:
                raise NothingAdmitted(
                    f"{name}={limit.most:,} is below the smallest architecture of {self.module.SPACE.name} found,"
                    f" which has {round(limit.cost(smallest), 3):,} ({smallest})"
                )
        if not any(self.repaired(arch) for arch in starts):
            raise NothingAdmitted(
                f"no architecture of {self.module.SPACE.name} was found within all limits ({self}), although one"
                " is within each of them"
            )

    def limits(self) -> dict[str, Limit]:
        """The limits there are, by name."""
        module = self.module
        counted = {
            "max_params": (self.max_params, module.count_params),
            "max_macs": (self.max_macs, module.count_macs),
        }
        own = {name: Limit(most, cost) for name, (most, cost) in counted.items() if most is not None}
        return {**own, **self.others}

    def _excess(self, arch: ArchBase) -> float:
        return sum(limit.excess(arch) for limit in self.limits().values())

    def __str__(self) -> str:
        return ", ".join(f"{name}={limit.most:,}" for name, limit in self.limits().items()) or "no limits"
