"""Choices at the positions of one block, in a form that other blocks of its kind share."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from torch import Tensor

from tanglert.choices import Choices, Known, Mixed, Sliced
from tanglert.extent import Position
from tanglert.space import Space

NOWHERE = Space("block", dims=[], inputs=[], output=("several", ()))


class Local:
    """What is chosen at a block's positions: what a trace takes for granted (`key`), and the tensors it is given.

    key: whether it is a mixture, which choices are known, and of a mixture which are in play, by the number of the
    position. vectors: the probabilities of the positions, (choices,) each; none of an architecture. A cell
    that keeps all its edges has no probabilities of which to keep.
    """

    def __init__(self, positions: Sequence[Position], at: Choices) -> None:
        self._fixed = {p: at.fixed[p] for p in positions if p in at.fixed}
        self._vectors: dict[Position, Tensor] = {}
        self._in_play: dict[Position, frozenset[int]] = {}
        self._mixed = isinstance(at, Mixed)
        if isinstance(at, Mixed):
            self._look(positions, at)
        self.vectors = list(self._vectors.values())
        known = tuple(self._fixed.get(p) for p in positions)
        read = tuple(p in self._vectors for p in positions)
        self.key: Hashable = self._mixed, known, read, tuple(self._in_play.get(p) for p in positions)

    def _look(self, positions: Sequence[Position], at: Mixed) -> None:
        for position in positions:
            try:
                self._vectors[position] = at.probability(position)
            except KeyError:
                continue
            numbers = range(len(position.choices))
            left = [n for n in numbers if at.plays(position, n)]
            if len(left) < len(numbers):
                self._in_play[position] = frozenset(left)

    def traced(self, vectors: Sequence[Tensor]) -> Choices:
        """The same with other probabilities."""
        if not self._mixed:
            return Sliced(self._fixed)
        at = Mixed(NOWHERE, Known({}, self._in_play), dict(zip(self._vectors, vectors)))
        at.fixed = self._fixed
        return at
