"""Budgets: which architectures are small enough, by the closed forms of a generated module."""

from __future__ import annotations

from dataclasses import dataclass

from tanglert.arch import ArchBase
from tanglert.protocols import SpaceModule


@dataclass(frozen=True)
class Budget:
    """Admits the architectures of `module`'s space that cost no more than the limits; None is no limit.

    max_params: parameters. max_macs: multiply-adds of one sample. Nothing is built to find out.

    Raises ValueError on a limit below 1.
    """

    module: SpaceModule
    max_params: int | None = None
    max_macs: int | None = None

    def __post_init__(self) -> None:
        for name, limit in self.limits().items():
            if limit < 1:
                raise ValueError(f"{name} must be 1 at least, not {limit}")

    def __call__(self, arch: ArchBase) -> bool:
        """Whether the architecture keeps every limit."""
        if self.max_params is not None and self.module.count_params(arch) > self.max_params:
            return False
        return self.max_macs is None or self.module.count_macs(arch) <= self.max_macs

    def limits(self) -> dict[str, int]:
        """The limits there are, by name."""
        limits = {"max_params": self.max_params, "max_macs": self.max_macs}
        return {name: limit for name, limit in limits.items() if limit is not None}

    def __str__(self) -> str:
        return ", ".join(f"{name}={limit:,}" for name, limit in self.limits().items()) or "no limits"
