"""Single path one-shot (Guo et al. 2020): every position uniform and independent."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import torch

from tanglert.arch import ArchBase, RequireError

A = TypeVar("A", bound=ArchBase)

_TRIES = 10_000


class UniformSampler(Generic[A]):
    """Draws architectures uniformly over the choices of every position, by a generator of its own.

    Architectures that a `require` excludes are drawn again; RequireError when ten thousand draws in a row
    were.
    """

    arch: type[A]

    def __init__(self, seed: int = 0) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self) -> A:
        for _ in range(_TRIES):
            try:
                return self.arch.from_indices(self._draw())
            except RequireError:
                continue
        name = self.arch.space.name
        raise RequireError(
            f"none of {_TRIES} random architectures of {name} meets its conditions (`require`)"
        )

    def _draw(self) -> dict[Any, int]:
        positions = self.arch.space.positions
        uniform = torch.rand(len(positions), dtype=torch.float64, generator=self._generator).tolist()
        return {p: int(u * len(p.choices)) for p, u in zip(positions, uniform)}

    def state_dict(self) -> dict[str, Any]:
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._generator.set_state(state["generator"])
