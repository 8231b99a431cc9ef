"""Random search: the baseline that every other search has to beat (Li and Talwalkar 2019)."""

from __future__ import annotations

from tanglert.search.strategy import A, Strategy


class RandomSearch(Strategy[A]):
    """Evaluates what the sampler draws, and nothing twice."""

    def _next(self) -> A | None:
        return self._draw()
