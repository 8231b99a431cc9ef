"""All architectures of a small space, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import TopologicalSorter
from itertools import islice
from typing import TypeVar

from tanglert.arch import ArchBase, RequireError
from tanglert.extent import Position
from tanglert.space import Space

A = TypeVar("A", bound=ArchBase)


def architectures(arch_class: type[A]) -> Iterator[A]:
    """Every architecture that the space allows, once, in a fixed order."""
    for indices in assignments(arch_class.space):
        try:
            yield arch_class.from_indices(indices)
        except RequireError:
            continue


def more_than(space: Space, limit: int) -> bool:
    """Whether there are more than `limit` architectures, those that a `require` excludes included."""
    return any(True for _ in islice(assignments(space), limit, None))


def assignments(space: Space) -> Iterator[dict[Position, int]]:
    """The number of a choice at every position, 0 where it is absent; what a `require` excludes too."""
    allowed = {p: dim.allowed(p) for dim in space.dims for p in dim.positions}
    depends = {p: [q for q in space.present(p).positions if q != p] for p in space.positions}
    order = list(TopologicalSorter(depends).static_order())  # first what decides whether others are there
    indices: dict[Position, int] = {}

    def following(place: int) -> Iterator[dict[Position, int]]:
        if place == len(order):
            yield dict(indices)
            return
        position = order[place]
        for number in allowed[position] if space.present(position).at(indices) else [0]:
            indices[position] = number
            yield from following(place + 1)

    return following(0)
