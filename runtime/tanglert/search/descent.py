"""Cheaper architectures by small steps: one choice after the other."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import TypeVar

from tanglert.arch import ArchBase, RequireError

A = TypeVar("A", bound=ArchBase)


def descend(arch: A, cost: Callable[[A], float], enough: float = 0.0) -> A:
    """The end of a walk over architectures that differ in one choice, each of less cost than the one before.

    The steps are random, the first that leads down being taken; their order depends on the architecture
    alone, so that a walk needs no generator and is always the same. It ends where the cost is `enough` or less,
    or where no step leads down.
    """
    order = random.Random(arch.to_json())
    here = cost(arch)
    while here > enough:
        for neighbour in neighbours(arch, order):
            there = cost(neighbour)
            if there < here:
                arch, here = neighbour, there
                break
        else:
            break
    return arch


def neighbours(arch: A, order: random.Random) -> Iterator[A]:
    """The architectures that the space allows and that differ in the choice at one present position, shuffled."""
    space, indices = type(arch).space, arch.indices()
    steps = [
        (position, number)
        for dim in space.dims
        for position in dim.positions
        if space.present(position).at(indices)
        for number in dim.allowed(position)
        if number != indices[position]
    ]
    order.shuffle(steps)
    for position, number in steps:
        try:
            yield type(arch).from_indices({**indices, position: number})
        except RequireError:
            continue
