"""The sandwich rule (Yu and Huang 2019, universally slimmable networks): largest, smallest, and random ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from tanglert.arch import ArchBase, RequireError
from tanglert.extent import Position
from tanglert.sample.spos import TRIES, UniformSampler

A = TypeVar("A", bound=ArchBase)


class SandwichSampler(UniformSampler[A]):
    """A step runs the largest architecture, the smallest, and `random` uniform ones; the largest teaches the rest.

    Largest and smallest go by number. Labels and truth values have no size: they are drawn, for each
    architecture anew; a space without any number (`sizes` is empty) has neither. Where a `require` excludes one of
    the two, its numbers step inwards, one at a random position at a time, until it is met; RequireError when
    ten thousand steps did not lead there, ValueError on a negative `random`.
    """

    distils = True

    def __init__(self, arch: type[A], seed: int = 0, random: int = 2) -> None:
        super().__init__(seed)
        if random < 0:
            raise ValueError(f"random must not be negative, it is {random}")
        self.arch, self.random = arch, random
        space = arch.space
        choices = {p: dim.allowed(p) for dim in space.dims for p in dim.positions}
        self.sizes = {p: by_size(p, own) for p, own in choices.items() if is_sized(p)}

    def paths(self) -> list[A]:
        """Largest first, then smallest, then random ones."""
        return [self.largest(), self.smallest(), *(self() for _ in range(self.random))]

    def largest(self) -> A:
        """The largest architecture."""
        return self._extreme(lambda ascending: ascending[::-1])

    def smallest(self) -> A:
        """The smallest architecture."""
        return self._extreme(lambda ascending: ascending)

    def _extreme(self, outside_in: Callable[[list[int]], list[int]]) -> A:
        """The first allowed architecture on a walk from the first choices of `outside_in` to the last."""
        movable: list[list[int]] = []
        for _ in range(TRIES):
            if movable:
                movable[int(torch.randint(len(movable), (), generator=self._generator))].pop(0)
            else:
                drawn = self._draw()
                ways = {p: outside_in(list(ascending)) for p, ascending in self.sizes.items()}
            try:
                return self.arch.from_indices({**drawn, **{p: way[0] for p, way in ways.items()}})
            except RequireError:
                movable = [way for way in ways.values() if len(way) > 1]
        raise RequireError(
            f"none of {TRIES} architectures of {self.arch.space.name}, from its largest or smallest inwards, meets"
            " its conditions (`require`)"
        )


def is_sized(position: Position) -> bool:
    """Whether the choices are numbers."""
    return not any(isinstance(choice, bool | str) for choice in position.choices)


def by_size(position: Position, numbers: list[int]) -> list[int]:
    """The numbers of choices, in ascending order of what they are."""
    return sorted(numbers, key=lambda number: float(position.choices[number]))
