"""What a forward pass is run at: one architecture (`Sliced`) or a probability for every choice (`Mixed`).

Under `Sliced` tensors have really shrunk. Under `Mixed` they are padded to the largest size, every layout
segment of its own.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from itertools import product
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tanglert.dim import Dim
from tanglert.extent import Extent, Position, Value
from tanglert.space import Space

Probabilities: TypeAlias = Mapping[str, Tensor]
"""Dimension -> (choices,) for the whole network, (positions, choices) for a scoped one.

Positions with lists of unequal length are zero padded on the right.
"""


class ChoiceError(ValueError):
    """Probabilities that do not fit the space, or a size that a mixture does not have."""


class Choices(ABC):
    """What is common to both: the positions whose choice is known, and the sizes that follow from them."""

    fixed: Mapping[Position, int]

    def value(self, extent: Extent | Value) -> Value:
        """The extent's value; ChoiceError names the position that is not fixed."""
        if not isinstance(extent, Extent):
            return extent
        try:
            return extent.at(self.fixed)
        except KeyError as missing:
            position = missing.args[0]
            raise ChoiceError(
                f"`{position.dim}` (position {position.index}) is superposed here, so there is no single"
                f" value of {extent}. Only a dimension that is sampled has one in a mixture"
            ) from None

    def size(self, extent: Extent | int) -> int:
        """The extent's value as a size; ChoiceError if it is not a whole number."""
        value = self.value(extent)
        if not isinstance(value, int):
            raise ChoiceError(f"{extent} is {value} for this architecture, which is not a whole number")
        return value

    def holds(self, condition: Extent | bool) -> bool:
        return bool(self.value(condition))


class Sliced(Choices):
    """Every position has one choice, given by its index."""

    def __init__(self, indices: Mapping[Position, int]) -> None:
        self.fixed = indices


class Term(Sliced):
    """One term of a defining sum: the joint choice of the positions that it runs over.

    A weight's axis without gain stays whole in it.
    """


class Mixed(Choices):
    """Every position has a probability vector; the one-hot vectors of sampled-only dimensions are read here,
    once.

    The choices of which edges to keep are one-hot, or left out: then all are kept, as while searching.

    ChoiceError when a dimension is missing, unknown, of the wrong shape, or sampled-only and not one-hot.
    """

    def __init__(self, space: Space, probabilities: Probabilities) -> None:
        unknown = sorted(set(probabilities) - {dim.name for dim in space.dims})
        if unknown:
            names = ", ".join(dim.name for dim in space.dims)
            raise ChoiceError(f"probabilities for `{unknown[0]}`, but space {space.name} has {names}")
        self._vectors: dict[Position, Tensor] = {}
        self._joint: dict[tuple[Position, ...], Tensor] = {}
        self._arms: dict[tuple[Position, int], Mixed] = {}
        fixed: dict[Position, int] = {}
        for dim in space.dims:
            if dim.gates and dim.name not in probabilities:
                continue  # while searching, every edge is kept
            rows = _rows(dim, probabilities)
            self._vectors.update({p: row[: len(p.choices)] for p, row in zip(dim.positions, rows)})
            if dim.sampled or dim.gates:
                fixed.update({p: _hot(p, row, dim.gates) for p, row in zip(dim.positions, rows.tolist())})
        self.fixed = fixed

    def probability(self, position: Position) -> Tensor:
        """The probabilities of the position's choices, (choices,)."""
        return self._vectors[position]

    def given(self, position: Position, number: int) -> Mixed:
        """The same mixture where the choice at a position is known: inside an arm of a `Choose`."""
        if (position, number) not in self._arms:
            vector = self._vectors[position]
            hot = one_hot(torch.tensor(number, device=vector.device), len(vector)).to(vector)
            arm = self.among(position, hot)
            arm.fixed = {**self.fixed, position: number}
            self._arms[position, number] = arm
        return self._arms[position, number]

    def among(self, position: Position, vector: Tensor) -> Mixed:
        """The same mixture with other probabilities at one position."""
        other = Mixed.__new__(Mixed)
        other.fixed, other._arms = self.fixed, {}
        other._vectors = {**self._vectors, position: vector}
        other._joint = {key: joint for key, joint in self._joint.items() if position not in key}
        return other

    def joint(self, positions: tuple[Position, ...]) -> Tensor:
        """The product of the positions' probabilities for every joint choice, flat, first position slowest.
        One at least.
        """
        if positions not in self._joint:
            first, *rest = [self._vectors[p] for p in positions]
            for vector in rest:
                first = (first.unsqueeze(1) * vector).flatten()
            self._joint[positions] = first
        return self._joint[positions]

    def terms(self, positions: tuple[Position, ...]) -> list[Term]:
        """The joint choices of the positions, in the order of `joint`."""
        indices = product(*(range(len(p.choices)) for p in positions))
        return [Term({**self.fixed, **dict(zip(positions, joint))}) for joint in indices]


def _rows(dim: Dim, probabilities: Probabilities) -> Tensor:
    """The dimension's probabilities as (positions, choices)."""
    if dim.name not in probabilities:
        raise ChoiceError(f"no probabilities for dimension `{dim.name}`; wanted shape {dim.shape}")
    given = probabilities[dim.name]
    if tuple(given.shape) != dim.shape:
        raise ChoiceError(
            f"probabilities of `{dim.name}`: wanted shape {dim.shape}, given {tuple(given.shape)}"
        )
    return given.reshape(len(dim.positions), dim.width)


def _hot(position: Position, row: list[float], gates: bool) -> int:
    row = row[: len(position.choices)]
    if sorted(row) != [0.0] * (len(row) - 1) + [1.0]:
        why = "says which edges are kept" if gates else "can only be sampled"
        help = "; leave it out, and all edges are kept" if gates else ""
        raise ChoiceError(
            f"`{position.dim}` (position {position.index}) {why}, not superposed: its"
            f" probabilities must be one-hot, not {row}{help}"
        )
    return row.index(1.0)
