"""Progressive shrinking (Cai et al. 2020, once-for-all): the largest network first, then ever smaller ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import torch

from tanglert.arch import ArchBase, RequireError
from tanglert.extent import Position
from tanglert.sample.sandwich import SandwichSampler

A = TypeVar("A", bound=ArchBase)

_DRAWS = 100


class ShrinkingSampler(SandwichSampler[A]):
    """A step runs the largest architecture and `random` uniform ones among the open choices; the largest teaches.

    Open is at first the largest number at every position; then one dimension after the other opens, its choices from
    large to small, one at a time at all its positions. The training is cut into equal parts, one for each
    state: `stages` of them, of which the first runs the largest architecture alone. What is open stays
    open. Labels and truth values have no size and are open from the start.

    order: dimensions in the order in which they open; those left out follow as declared. Once-for-all's is the
    kernels, the depth, the widths. Its teacher is a copy of the largest network, trained before; here it is the
    largest subnet of the moment, as in the sandwich rule.

    Where a `require` excludes the largest, it steps inwards as `SandwichSampler`'s does; a hundred draws
    among the open choices that were all excluded give way to the largest.

    Raises ValueError on a name in `order` that is no dimension, stands there twice or has no numbers.
    """

    def __init__(
        self, arch: type[A], seed: int = 0, random: int = 2, order: Sequence[str] | None = None
    ) -> None:
        super().__init__(arch, seed, random)
        self.order = self._ordered(order or ())
        steps = {name: max(len(self.sizes[p]) for p in self._of(name)) - 1 for name in self.order}
        self._opened = [name for name in self.order for _ in range(steps[name])]
        self._progress = 0.0

    @property
    def stages(self) -> int:
        """How many states of openness the training goes through."""
        return 1 + len(self._opened)

    @property
    def stage(self) -> int:
        """The number of the present one, from 0."""
        return min(int(self._progress * self.stages), self.stages - 1)

    def anneal(self, progress: float) -> None:
        """Told before every step how much of the training is done, 0 to 1."""
        self._progress = progress

    def open(self, position: Position) -> list[int]:
        """The numbers of the choices that a draw may take at a position now."""
        if position not in self.sizes:
            return self.arch.space.dim(position.dim).allowed(position)
        count = 1 + self._opened[: self.stage].count(position.dim)
        return self.sizes[position][::-1][:count]

    def paths(self) -> list[A]:
        """The largest first, then random ones."""
        count = self.random if self.stage else 0
        return [self.largest(), *(self() for _ in range(count))]

    def __call__(self) -> A:
        for _ in range(_DRAWS):
            try:
                return self.arch.from_indices(self._draw())
            except RequireError:
                continue
        return self.largest()

    def _draw(self) -> dict[Position, int]:
        drawn = super()._draw()
        uniform = torch.rand(len(self.sizes), dtype=torch.float64, generator=self._generator).tolist()
        choices = {p: self.open(p) for p in self.sizes}
        return {**drawn, **{p: own[int(u * len(own))] for (p, own), u in zip(choices.items(), uniform)}}

    def _of(self, name: str) -> list[Position]:
        return [p for p in self.arch.space.dim(name).positions if p in self.sizes]

    def _ordered(self, first: Sequence[str]) -> list[str]:
        """All dimensions that have numbers, those of `first` first."""
        space = self.arch.space
        sized = [dim.name for dim in space.dims if self._of(dim.name)]
        for name in first:
            if name not in sized:
                why = "has no numbers" if name in {dim.name for dim in space.dims} else "is no dimension"
                raise ValueError(
                    f"order: `{name}` {why} of space {space.name}; those with a size are {', '.join(sized)}"
                )
        if len(set(first)) < len(first):
            raise ValueError(f"order: a dimension stands there twice: {', '.join(first)}")
        return [*first, *(name for name in sized if name not in first)]

    def state_dict(self) -> dict[str, Any]:
        """The generator, and how far the training is."""
        return {**super().state_dict(), "progress": self._progress}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        super().load_state_dict(state)
        self._progress = state["progress"]
