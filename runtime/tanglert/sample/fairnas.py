"""FairNAS (Chu et al. 2019): every choice of every position is trained equally often."""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

import torch

from tanglert.arch import ArchBase, RequireError
from tanglert.extent import Position
from tanglert.sample.spos import UniformSampler

A = TypeVar("A", bound=ArchBase)

_ROUNDS = 100


class FairSampler(UniformSampler[A]):
    """Strict fairness, for any space: a round has as many architectures as the widest position has choices.

    At every position they take its choices in random order, each once; where there are fewer, the order starts
    again, so that the uses of two choices differ by one at most. What is drawn at absent positions counts too
    (Yu et al. 2020, appendix A.1, adapt it to cells, where it is the operations on the edges).

    A round with an architecture that a `require` excludes is drawn again. Where a hundred rounds were (some
    choice may never be allowed), uniform ones take the place of the excluded, and a warning says so once.
    RequireError when ten thousand of these in a row were excluded.
    """

    def __init__(self, arch: type[A], seed: int = 0) -> None:
        super().__init__(seed)
        self.arch = arch
        space = arch.space
        self._choices = {p: dim.allowed(p) for dim in space.dims for p in dim.positions}
        self._count = max(map(len, self._choices.values()))
        self._warned = False

    def paths(self) -> list[A]:
        """The architectures of a round."""
        for _ in range(_ROUNDS):
            try:
                return [self.arch.from_indices(indices) for indices in self._round()]
            except RequireError:
                continue
        self._warn()
        return [self._allowed(indices) for indices in self._round()]

    def _round(self) -> list[dict[Position, int]]:
        """The choices of a round's architectures."""
        columns = {position: self._column(choices) for position, choices in self._choices.items()}
        return [{p: column[i] for p, column in columns.items()} for i in range(self._count)]

    def _column(self, choices: list[int]) -> list[int]:
        """What a position takes in the architectures of a round."""
        order = torch.randperm(len(choices), generator=self._generator).tolist()
        places = torch.randperm(self._count, generator=self._generator).tolist()
        return [choices[order[place % len(choices)]] for place in places]

    def _allowed(self, indices: dict[Position, int]) -> A:
        try:
            return self.arch.from_indices(indices)
        except RequireError:
            return self()

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"no round of {self._count} architectures of {self.arch.space.name} in {_ROUNDS} draws meets its"
                " conditions (`require`): fairness holds only as far as they let it",
                stacklevel=3,
            )

    def state_dict(self) -> dict[str, Any]:
        """The generator, and whether it warned."""
        return {**super().state_dict(), "warned": self._warned}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        super().load_state_dict(state)
        self._warned = bool(state["warned"])
