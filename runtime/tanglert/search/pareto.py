"""Several objectives: the evaluated architectures that no other beats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from tanglert.search.strategy import A, Strategy


def front(strategy: Strategy[A], costs: Mapping[str, Callable[[A], float]]) -> list[A]:
    """The architectures that no other beats (is as good in every objective, better in one), best score first.

    costs: what is to be small besides the score being high, by name. What has no finite score is left out.
    """
    archs = strategy.sound()
    kept = nondominated([objectives(strategy, costs, arch) for arch in archs])
    return sorted((archs[i] for i in kept), key=strategy.worth, reverse=True)


def objectives(strategy: Strategy[A], costs: Mapping[str, Callable[[A], float]], arch: A) -> list[float]:
    """What is to be small: the negative score of an evaluated architecture, then its costs."""
    return [-strategy.worth(arch), *(float(cost(arch)) for cost in costs.values())]


def nondominated(points: Sequence[Sequence[float]]) -> list[int]:
    """The numbers of the points that no other dominates (is nowhere above and somewhere below), in order."""
    table = torch.tensor(points, dtype=torch.float64)
    return [i for i, row in enumerate(table) if not ((table <= row).all(1) & (table < row).any(1)).any()]
