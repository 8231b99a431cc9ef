"""Elastic depth: the mixture of the values after every number of iterations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from tanglert.choices import Choices, Mixed
from tanglert.extent import Extent, extent


class Depth:
    """`Σ_n p_n · x_n` for every carried value, `x_n` being the value after `n` iterations.

    `count` is the number of iterations, the values are those before the first. Where the count is known (an
    architecture, a sampled dimension) so many iterations run and the last values are the result. This is the
    mixture of the outputs (TangleNAS, Sukthanker et al. 2024), not a gate on the residual branch.
    """

    def __init__(self, count: Extent, at: Choices, *values: Tensor) -> None:
        count = extent(count)
        self._values = values
        self._live: int | None = (
            None  # of a vertex, the only number of iterations that gradients flow through
        )
        self._weights: dict[int, Tensor] = {}
        self._iterations = count.largest if isinstance(at, Mixed) else at.size(count)
        self._done = 0
        if isinstance(at, Mixed) and all(p in at.fixed for p in count.positions):
            self._iterations = at.size(count)
        elif isinstance(at, Mixed):
            self._weights = _distribution(count, at)
            self._iterations = max(self._weights)
            self._live = None if at.drawn is None else int(count.at(at.drawn))
            self._sums: tuple[Tensor | None, ...] = (None,) * len(values)
            self._accumulate()

    def run(self, *lists: nn.ModuleList) -> Iterator[Any]:
        """The modules of every iteration to run: one, or a tuple with one of each list.

        At a vertex those beyond the drawn depth are run for their value alone.
        """
        for index in range(self._iterations):
            dead = self._live is not None and index >= self._live
            modules = tuple(Forward(modules[index]) if dead else modules[index] for modules in lists)
            yield modules[0] if len(lists) == 1 else modules

    def runs(self, index: int) -> bool:
        """Whether iteration `index` (counted from zero) is one of those to run."""
        return index < self._iterations

    def add(self, *values: Tensor) -> None:
        """Take the carried values after one more iteration."""
        self._values = values
        self._done += 1
        self._accumulate()

    def value(self) -> Tensor:
        """The mixture of the only carried value."""
        (value,) = self.values()
        return value

    def values(self) -> tuple[Tensor, ...]:
        """The mixtures of the carried values, in their order."""
        if not self._weights:
            return self._values
        return tuple(total for total in self._sums if total is not None)

    def _accumulate(self) -> None:
        weight = self._weights.get(self._done)
        if weight is not None:
            live = self._live in (None, self._done)
            pairs = zip(self._sums, self._values if live else [v.detach() for v in self._values])
            self._sums = tuple(
                weight * v if total is None else torch.addcmul(total, weight.to(v), v) for total, v in pairs
            )


class Forward:
    """A module that is run without a graph."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    @torch.no_grad()
    def __call__(self, *args: Any) -> Any:
        return self._module(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _distribution(count: Extent, at: Mixed) -> dict[int, Tensor]:
    """The probability of every number of iterations that some joint choice in play asks for."""
    weights: dict[int, Tensor] = {}
    for probability, term in at.weighted(count.positions):
        n = term.size(count)
        weights[n] = weights[n] + probability if n in weights else probability
    return weights
