"""Searches by generations: children of good architectures, and random ones where children are lacking."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from tanglert.arch import RequireError
from tanglert.extent import Position
from tanglert.protocols import Sampler
from tanglert.search.genes import Genes
from tanglert.search.strategy import A, Strategy

_TRIES = 10
"""Attempts for each child wanted, as in AutoFormer's code."""


class Breeding(Strategy[A]):
    """A search that evaluates a generation after another, each bred from what is known when it begins.

    The first generation is random. A child that breaks a `require`, that is not admitted or known already is
    none, and another one is tried; after ten times as many attempts as children wanted, random architectures
    fill the generation up. population: architectures in a generation. seed: of all variation, other than the
    sampler's, which draws the random ones.
    """

    def __init__(
        self,
        arch_class: type[A],
        sampler: Sampler,
        measure: Callable[[A], dict[str, float]],
        score: Callable[[Mapping[str, float]], float],
        evaluations: int,
        *,
        population: int,
        seed: int = 0,
        admit: Callable[[A], bool] | None = None,
    ) -> None:
        super().__init__(arch_class, sampler, measure, score, evaluations, admit=admit)
        self.size = population
        self.genes = Genes(arch_class.space, seed)
        self.generation: list[A] = []

    def state_dict(self) -> dict[str, Any]:
        """With the running generation and the generator of variation."""
        generation = [arch.to_json() for arch in self.generation]
        return {**super().state_dict(), "genes": self.genes.state_dict(), "generation": generation}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        super().load_state_dict(state)
        self.genes.load_state_dict(state["genes"])
        self.generation = [self.arch_class.from_json(text) for text in state["generation"]]

    @abstractmethod
    def _breed(self, children: dict[A, None]) -> None:
        """Adds the children of a new generation, by `_add`; all of the last one is evaluated."""

    def _next(self) -> A | None:
        waiting = (arch for arch in self.generation if arch not in self.history)
        arch = next(waiting, None)
        if arch is None:
            self.generation = self._new_generation()
            arch = self.generation[0] if self.generation else None
        return arch

    def _new_generation(self) -> list[A]:
        children: dict[A, None] = {}
        self._breed(children)
        while len(children) < self.size:
            stranger = self._draw(besides=children)
            if stranger is None:
                break
            children[stranger] = None
        return list(children)

    def _add(self, children: dict[A, None], count: int, make: Callable[[], Mapping[Position, int]]) -> None:
        """Up to `count` new architectures with the genes that `make` gives."""
        wanted = len(children) + count
        for _ in range(_TRIES * count):
            if len(children) == wanted:
                return
            child = self._express(make())
            if child is not None and child not in children:
                children[child] = None

    def _express(self, genome: Mapping[Position, int]) -> A | None:
        """The architecture with these genes, if it is one to evaluate."""
        try:
            child = self.arch_class.from_indices(genome)
        except RequireError:
            return None
        return child if child not in self.history and self._admits(child) else None
