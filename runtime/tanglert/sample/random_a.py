"""Random-A (Yu et al. 2020, section 3.2): every unique architecture with the same probability."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch

from tanglert.arch import ArchBase
from tanglert.extent import Position
from tanglert.sample.enumeration import architectures, more_than
from tanglert.sample.signature import Signatures
from tanglert.sample.spos import UniformSampler
from tanglert.supernet import SupernetBase

A = TypeVar("A", bound=ArchBase)

LIMIT = 100_000
"""Architectures that can be compared with each other in minutes."""


class TooManyArchitectures(ValueError):
    """A space that is too large to compare its architectures."""


class UniqueSampler(UniformSampler[A]):
    """Draws a stand-alone network uniformly, then one of the architectures that are it.

    In a cell, different operations on its edges can make one network: skips in other places, zeros that cut off
    what is behind them (Ying et al. 2019). Uniform choices prefer networks with many such names. supernet:
    makes the space's; all its architectures are compared at the start (`Signatures`), once, which takes
    from seconds to minutes.

    classes: the architectures of every network, by the numbers of their choices.

    Raises TooManyArchitectures above 100,000.
    """

    def __init__(self, arch: type[A], supernet: Callable[[], SupernetBase], seed: int = 0) -> None:
        super().__init__(seed)
        self.arch = arch
        if more_than(arch.space, LIMIT):
            raise TooManyArchitectures(
                f"random-a compares all architectures of a space with each other, and {arch.space.name} has more"
                f" than {LIMIT:,}; spos draws from any space"
            )
        self.classes = unique(arch, supernet)

    def _draw(self) -> dict[Position, int]:
        networks = self.classes[self._below(len(self.classes))]
        return dict(zip(self.arch.space.positions, networks[self._below(len(networks))], strict=True))

    def _below(self, count: int) -> int:
        return int(torch.randint(count, (), generator=self._generator))


def unique(arch: type[Any], supernet: Callable[[], SupernetBase]) -> list[list[tuple[int, ...]]]:
    """The architectures of every stand-alone network, as the numbers of their choices at `space.positions`."""
    signature = Signatures(supernet)
    classes: dict[bytes, list[tuple[int, ...]]] = {}
    for one in architectures(arch):
        indices = one.indices()
        classes.setdefault(signature(one), []).append(tuple(indices[p] for p in arch.space.positions))
    return list(classes.values())
