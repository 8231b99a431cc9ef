"""The genes of an architecture, its choices at the present positions: drawn, mutated, crossed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import torch

from tanglert.arch import ArchBase
from tanglert.extent import Position
from tanglert.space import Space

Genome: TypeAlias = Mapping[Position, int]
"""Numbers of choices by position; what an architecture has not, it leaves out."""


class Genes:
    """Variation of genomes, by a random generator of its own.

    Which layers, arms and edges are present depends on other genes (a depth, an operation, the edges that
    are kept), so that a child may have positions that its parents lack. A gene comes from a parent that
    has it, and is drawn afresh where none has. The results have a gene at every position, as
    `Arch.from_indices` takes them; none is a choice that the space forbids.
    """

    def __init__(self, space: Space, seed: int = 0) -> None:
        self.space = space
        self._allowed = {p: dim.allowed(p) for dim in space.dims for p in dim.positions}
        self._generator = torch.Generator().manual_seed(seed)

    def of(self, arch: ArchBase) -> Genome:
        """The genes that the architecture has."""
        indices = arch.indices()
        return {p: i for p, i in indices.items() if self.space.present(p).at(indices)}

    def draw(self) -> dict[Position, int]:
        """Every gene uniform among its allowed choices."""
        return {
            p: own[int(u * len(own))]
            for (p, own), u in zip(self._allowed.items(), self._coins(), strict=True)
        }

    def mutate(self, parent: Genome, rates: Mapping[Position, float]) -> dict[Position, int]:
        """Each gene drawn again (perhaps the same again) with probability `rates[position]`."""
        fresh, coins = self.draw(), self._coins()
        return {
            p: fresh[p] if coin < rates[p] else parent.get(p, fresh[p])
            for p, coin in zip(self.space.positions, coins, strict=True)
        }

    def cross(self, mother: Genome, father: Genome) -> dict[Position, int]:
        """Each gene from either parent with equal probability (uniform crossover)."""
        fresh, coins = self.draw(), self._coins()
        child = {}
        for p, coin in zip(self.space.positions, coins, strict=True):
            first, second = (mother, father) if coin < 0.5 else (father, mother)
            child[p] = first.get(p, second.get(p, fresh[p]))
        return child

    def pick(self, count: int) -> int:
        """A number below `count`, uniform."""
        return int(torch.randint(count, (), generator=self._generator))

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return torch.rand((), dtype=torch.float64, generator=self._generator).item() < probability

    def state_dict(self) -> dict[str, Any]:
        """The generator's."""
        return {"generator": self._generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self._generator.set_state(state["generator"])

    def _coins(self) -> list[float]:
        count = len(self.space.positions)
        coins: list[float] = torch.rand(count, dtype=torch.float64, generator=self._generator).tolist()
        return coins
