"""Single path one-shot (Guo et al. 2020): every position uniform and independent."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import torch

from tanglert.arch import ArchBase, RequireError

A = TypeVar("A", bound=ArchBase)

TRIES = 10_000


class UniformSampler(Generic[A]):
    """Draws architectures uniformly over the choices of every position, by a generator of its own.

    Architectures that a `require` excludes are drawn again; RequireError when ten thousand draws in a row
    were.
    """

    arch: type[A]
    distils = False

    def __init__(self, seed: int = 0) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self) -> A:
        for _ in range(TRIES):
            try:
                return self.arch.from_indices(self._draw())
            except RequireError:
                continue
        name = self.arch.space.name
        raise RequireError(f"none of {TRIES} random architectures of {name} meets its conditions (`require`)")

    def paths(self) -> list[A]:
        """The architectures of a training step: one."""
        return [self()]

    def anneal(self, progress: float) -> None:
        """Told before every step how much of the training is done, 0 to 1; most samplers never change."""

    def _draw(self) -> dict[Any, int]:
        space = self.arch.space
        uniform = torch.rand(len(space.positions), dtype=torch.float64, generator=self._generator).tolist()
        allowed = [dim.allowed(position) for dim in space.dims for position in dim.positions]
        return {p: own[int(u * len(own))] for p, u, own in zip(space.positions, uniform, allowed)}

    def state_dict(self) -> dict[str, Any]:
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._generator.set_state(state["generator"])
