"""Evolutionary search with inherited weights, as AutoFormer does it (Chen et al. 2021; code of TangleNAS)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tanglert.extent import Position
from tanglert.protocols import Sampler
from tanglert.search.breeding import Breeding
from tanglert.search.genes import Genome
from tanglert.search.strategy import A


@dataclass(frozen=True)
class EvolutionSettings:
    """How to breed; the defaults are AutoFormer's.

    population: architectures in a generation, of which `mutations` and `crossovers` are children and the rest
    is random. generations: how many are meant, the first one included. parents: the best so far, over all
    generations, that have children. gene_probability: of a new draw in a mutation, for each position of a
    dimension with a scope. network_probability: the same for dimensions of the whole network (embed, depth).

    Published for other spaces: language models of TangleNAS generations=50; its convolutional macro space
    population=30, mutations=10, crossovers=10; its cell space population=5, mutations=2, crossovers=2.

    Raises ValueError on a count below 1 (no children at all are allowed), more children than the population,
    or a probability outside 0 to 1.
    """

    population: int = 50
    generations: int = 20
    parents: int = 10
    mutations: int = 25
    crossovers: int = 25
    gene_probability: float = 0.2
    network_probability: float = 0.4

    def __post_init__(self) -> None:
        for name in ("population", "generations", "parents"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 at least, not {getattr(self, name)}")
        for name in ("gene_probability", "network_probability"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie between 0 and 1, not {getattr(self, name)}")
        if min(self.mutations, self.crossovers) < 0 or self.mutations + self.crossovers > self.population:
            raise ValueError(
                f"{self.mutations} mutations and {self.crossovers} crossovers do not fit into a population of"
                f" {self.population}"
            )

    @property
    def evaluations(self) -> int:
        """How many architectures these settings evaluate, if the space has as many."""
        return self.population * self.generations


class Evolution(Breeding[A]):
    """Mutates and crosses the best architectures of all generations so far.

    Parents need not be of one depth, as in AutoFormer's code: a child that is deeper than the parent which
    gave a layer's other genes takes the missing ones from the other, or draws them (`Genes`).
    """

    def __init__(
        self,
        arch_class: type[A],
        sampler: Sampler,
        measure: Callable[[A], dict[str, float]],
        score: Callable[[Mapping[str, float]], float],
        evaluations: int,
        *,
        settings: EvolutionSettings | None = None,
        seed: int = 0,
        admit: Callable[[A], bool] | None = None,
    ) -> None:
        self.settings = settings or EvolutionSettings()
        size = self.settings.population
        super().__init__(
            arch_class, sampler, measure, score, evaluations, population=size, seed=seed, admit=admit
        )
        self._rates: dict[Position, float] = {}
        for dim in arch_class.space.dims:
            rate = self.settings.network_probability if dim.per is None else self.settings.gene_probability
            self._rates |= dict.fromkeys(dim.positions, rate)

    def parents(self) -> list[A]:
        """The best architectures so far, best first, the earliest of equals first."""
        return sorted(self.sound(), key=self.worth, reverse=True)[: self.settings.parents]

    def _breed(self, children: dict[A, None]) -> None:
        parents = [self.genes.of(arch) for arch in self.parents()]
        if not parents:
            return

        def any_parent() -> Genome:
            return parents[self.genes.pick(len(parents))]

        self._add(children, self.settings.mutations, lambda: self.genes.mutate(any_parent(), self._rates))
        self._add(children, self.settings.crossovers, lambda: self.genes.cross(any_parent(), any_parent()))
