"""NSGA-II (Deb et al. 2002): accuracy against cost, with pymoo's ranks and crowding distances."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tanglert.extent import Position
from tanglert.protocols import Sampler
from tanglert.search.breeding import Breeding
from tanglert.search.genes import Genome
from tanglert.search.pareto import front, objectives
from tanglert.search.strategy import A


class MissingLibrary(RuntimeError):
    """A library that only some searches need is not installed."""


@dataclass(frozen=True)
class NSGA2Settings:
    """How to breed; the defaults are those of Deb et al. (2002, section IV).

    population: architectures that survive a generation, and children in it. generations: how many are meant,
    the first one included. crossover_probability: of crossing two parents, the first being copied
    otherwise. gene_probability: of a new draw, for each position of every child; None is 1 / positions.

    Raises ValueError on a count below 1 or a probability outside 0 to 1.
    """

    population: int = 100
    generations: int = 250
    crossover_probability: float = 0.9
    gene_probability: float | None = None

    def __post_init__(self) -> None:
        for name in ("population", "generations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 at least, not {getattr(self, name)}")
        for name in ("crossover_probability", "gene_probability"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} must lie between 0 and 1, not {value}")

    @property
    def evaluations(self) -> int:
        """How many architectures these settings evaluate, if the space has as many."""
        return self.population * self.generations


class NSGA2(Breeding[A]):
    """Breeds from the architectures that are on the best fronts and far from their neighbours there.

    costs: what is to be small besides the score being high, by name, e.g. `{"params": count_params}`.
    population: the survivors of all generations but the running one, best first. Genes are categories, so
    that crossover is gene by gene and mutation a new draw; parents come from binary tournaments. The
    library ranks, and keeps no state of its own: a run resumes from the population alone.

    Raises MissingLibrary without pymoo, ValueError without costs.
    """

    def __init__(
        self,
        arch_class: type[A],
        sampler: Sampler,
        measure: Callable[[A], dict[str, float]],
        score: Callable[[Mapping[str, float]], float],
        evaluations: int,
        *,
        costs: Mapping[str, Callable[[A], float]],
        settings: NSGA2Settings | None = None,
        seed: int = 0,
        admit: Callable[[A], bool] | None = None,
    ) -> None:
        if not costs:
            raise ValueError("one objective is no trade-off: give nsga2 a cost besides the score")
        self._crowding_order = _pymoo()
        self.costs = dict(costs)
        self.settings = settings or NSGA2Settings()
        size = self.settings.population
        super().__init__(
            arch_class, sampler, measure, score, evaluations, population=size, seed=seed, admit=admit
        )
        rate = self.settings.gene_probability
        positions = arch_class.space.positions
        self._rates = dict.fromkeys(positions, 1 / max(1, len(positions)) if rate is None else rate)
        self.population: list[A] = []

    def front(self) -> list[A]:
        """The evaluated architectures that no other beats, best score first."""
        return front(self, self.costs)

    def state_dict(self) -> dict[str, Any]:
        """With the survivors."""
        return {**super().state_dict(), "population": [arch.to_json() for arch in self.population]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        super().load_state_dict(state)
        self.population = [self.arch_class.from_json(text) for text in state["population"]]

    def _breed(self, children: dict[A, None]) -> None:
        self.population = self._survivors()
        parents = [self.genes.of(arch) for arch in self.population]
        if parents:
            self._add(children, self.size, lambda: self._child(parents))

    def _survivors(self) -> list[A]:
        """The best of the population and the generation that followed it."""
        rivals = [a for a in (*self.population, *self.generation) if math.isfinite(self.worth(a))]
        order = self._crowding_order([objectives(self, self.costs, arch) for arch in rivals])
        return [rivals[i] for i in order[: self.size]]

    def _child(self, parents: Sequence[Genome]) -> dict[Position, int]:
        mother, father = self._winner(parents), self._winner(parents)
        crossed = self.genes.chance(self.settings.crossover_probability)
        return self.genes.mutate(self.genes.cross(mother, father) if crossed else mother, self._rates)

    def _winner(self, parents: Sequence[Genome]) -> Genome:
        """The better of two at random; the parents stand in order, so that it is the earlier."""
        return parents[min(self.genes.pick(len(parents)), self.genes.pick(len(parents)))]


def _pymoo() -> Callable[[Sequence[Sequence[float]]], list[int]]:
    """The crowded comparison of NSGA-II: points, the smaller the better, to their numbers, best first.

    By front, then by the distance to the neighbours there, then the earlier. pymoo would cut a front off by
    itself, but breaks ties at random; ranking all and cutting afterwards needs no generator to be kept.
    """
    try:
        import numpy
        from pymoo.core.population import Population  # type: ignore[import-not-found, import-untyped, unused-ignore]
        from pymoo.core.problem import Problem  # type: ignore[import-not-found, import-untyped, unused-ignore]
        from pymoo.operators.survival.rank_and_crowding import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
            RankAndCrowding,
        )
    except ImportError as error:
        raise MissingLibrary("nsga2 needs pymoo: pip install 'tanglec[pareto]'") from error

    def order(points: Sequence[Sequence[float]]) -> list[int]:
        if not points:
            return []
        population = Population.new("F", numpy.array(points, dtype=float))
        problem = Problem(n_var=1, n_obj=len(points[0]))
        RankAndCrowding().do(problem, population, n_survive=len(points))
        ranks, distances = population.get("rank").tolist(), population.get("crowding").tolist()
        return sorted(range(len(points)), key=lambda i: (ranks[i], -distances[i]))

    return order
