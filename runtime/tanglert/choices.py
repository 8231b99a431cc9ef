"""What a forward pass is run at: one architecture (`Sliced`), a probability for every choice (`Mixed`), or a
vertex of the mixture for its gradient (`Straight`).

Under `Sliced` tensors have really shrunk. Under `Mixed` they are padded to the largest size, every layout
segment of its own. Under `Straight` they have shrunk along axes of nested dimensions.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from copy import copy
from itertools import product
from typing import Any, TypeAlias, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from tanglert.dim import Axis, Dim
from tanglert.extent import Extent, Position, Value
from tanglert.leaves import Leaves
from tanglert.space import Space

T = TypeVar("T")

Probabilities: TypeAlias = Mapping[str, Tensor]
"""Dimension -> (choices,) for the whole network, (positions, choices) for a scoped one.

Positions with lists of unequal length are zero padded on the right.
"""


class Known(dict[str, Tensor]):
    """Probabilities with what is known of them without looking at a tensor, which would wait for an accelerator.

    in_play: of positions with pruned choices the numbers of those that are left; the others have probability 0,
    exactly, and do not run. Taken over from `probabilities` unless given.
    """

    in_play: Mapping[Position, frozenset[int]]

    def __init__(
        self, probabilities: Probabilities, in_play: Mapping[Position, frozenset[int]] | None = None
    ) -> None:
        super().__init__(probabilities)
        self.in_play = getattr(probabilities, "in_play", {}) if in_play is None else in_play


class Vertex(Known):
    """Probabilities that are one-hot, and whose gradient is wanted for all choices: a straight-through sample."""


LITTLE = 2**16
"""How many numbers are computed for all positions of a dimension at once, whether they are all wanted or not."""


class ChoiceError(ValueError):
    """Probabilities that do not fit the space, or a size that a mixture does not have."""


class Choices(ABC):
    """What is common to both: the positions whose choice is known, and the sizes that follow from them."""

    fixed: Mapping[Position, int]
    leaves: Leaves | None = None  # where parts of weights collect gradients of their own

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

    def cuts(self, along: Axis | Extent) -> bool:
        """Whether tensors have shrunk along an axis."""
        raise NotImplementedError


class Sliced(Choices):
    """Every position has one choice, given by its index."""

    def __init__(self, indices: Mapping[Position, int], leaves: Leaves | None = None) -> None:
        self.fixed, self.leaves = indices, leaves

    def cuts(self, along: Axis | Extent) -> bool:
        return True


class Term(Sliced):
    """One term of a defining sum: the joint choice of the positions that it runs over.

    A weight's axis without gain stays whole in it.
    """


class Mixed(Choices):
    """Every position has a probability vector; the one-hot vectors of sampled-only dimensions are read here,
    once.

    The choices of which edges to keep are one-hot, or left out: then all are kept, as while searching.

    For one forward pass and its backward: what several layers need of the probabilities is made once and kept, graph
    and all (so activation checkpointing, which runs a part twice, has to make its own inside of the part).

    alone: probabilities of positions whose dimensions the space does not have.
    ChoiceError when a dimension is missing, unknown, of the wrong shape, or sampled-only and not one-hot.
    """

    drawn: Mapping[Position, int] | None = None  # of a vertex, the choice of every position
    cut: frozenset[Position] = frozenset()  # positions along whose axes tensors have shrunk
    latest: tuple[Tensor, Hashable, Tensor] | None = None  # a tensor, how it was scaled, and that
    _apart: frozenset[str] = frozenset()  # dimensions whose rows are not those of all their positions

    def __init__(
        self, space: Space, probabilities: Probabilities, alone: Mapping[Position, Tensor] | None = None
    ) -> None:
        unknown = sorted(set(probabilities) - {dim.name for dim in space.dims})
        if unknown:
            names = ", ".join(dim.name for dim in space.dims)
            raise ChoiceError(f"probabilities for `{unknown[0]}`, but space {space.name} has {names}")
        self._in_play = probabilities.in_play if isinstance(probabilities, Known) else {}
        self._own: Mapping[Position, Tensor] = alone or {}  # before what the rows say
        self._vectors: dict[Position, Tensor] = {}
        self._rows: dict[str, tuple[Dim, Tensor]] = {}
        self._made: dict[Hashable, tuple[tuple[Position, ...], Any]] = {}
        self._each: dict[tuple[str, str, torch.dtype, bool], dict[int, Tensor]] = {}
        self._arms: dict[tuple[Position, int], Mixed] = {}
        fixed: dict[Position, int] = {}
        for dim in space.dims:
            if dim.gates and dim.name not in probabilities:
                continue  # while searching, every edge is kept
            given = _given(dim, probabilities)
            if dim.per is None:
                self._vectors[dim.positions[0]] = given
            else:
                self._rows[dim.name] = dim, given
            if dim.sampled or dim.gates:
                fixed.update(_hot(dim, given))
        self.fixed = fixed

    def cuts(self, along: Axis | Extent) -> bool:
        return bool(along.positions) and self.cut.issuperset(along.positions)

    def lives(self, choice: Mapping[Position, int]) -> bool:
        """Whether gradients flow through the value of a joint choice: at a vertex through the drawn one only."""
        return self.drawn is None or all(self.drawn[p] == number for p, number in choice.items())

    def plays(self, position: Position, number: int) -> bool:
        """Whether a choice may have a probability above 0: whether it was not pruned."""
        return position not in self._in_play or number in self._in_play[position]

    def probability(self, position: Position) -> Tensor:
        """The probabilities of the position's choices, (choices,)."""
        if position in self._own:
            return self._own[position]
        if position not in self._vectors:
            dim, rows = self._rows[position.dim]
            with torch.enable_grad():  # for whom wants a graph, whoever asks first
                self._vectors.update(zip(dim.positions, _vectors(dim, rows)))
        return self._vectors[position]

    def given(self, position: Position, number: int) -> Mixed:
        """The same mixture where the choice at a position is known: inside an arm of a `Choose`."""
        if (position, number) not in self._arms:
            vector = self.probability(position)
            hot = one_hot(torch.tensor(number, device=vector.device), len(vector)).to(vector)
            arm = self.among(position, hot)
            arm.fixed = {**self.fixed, position: number}
            self._arms[position, number] = arm
        return self._arms[position, number]

    def among(self, position: Position, vector: Tensor) -> Mixed:
        """The same mixture with other probabilities at one position."""
        other = copy(self)
        other._arms, other.latest = {}, None
        other._own = {**self._own, position: vector}
        other._apart = self._apart | {position.dim}
        other._made = {key: made for key, made in self._made.items() if position not in made[0]}
        other._each = {key: made for key, made in self._each.items() if key[0] != position.dim}
        return other

    def joint(self, positions: tuple[Position, ...]) -> Tensor:
        """The product of the positions' probabilities for every joint choice, flat, first position slowest.
        One at least.
        """
        if len(positions) == 1:
            return self.probability(positions[0])
        return self.once(positions, positions, lambda: self._product(positions))

    def _product(self, positions: tuple[Position, ...]) -> Tensor:
        first, *rest = [self.probability(p) for p in positions]
        for vector in rest:
            first = (first.unsqueeze(1) * vector).flatten()
        return first

    def once(self, positions: tuple[Position, ...], key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, of the probabilities of these positions alone; made once in a forward pass.

        key: which tells the positions too. What was made without a graph is not taken where one is wanted.
        """
        place = key, torch.is_grad_enabled()
        if place not in self._made:
            self._made[place] = positions, make()
        made: T = self._made[place][1]
        return made

    def each(
        self, position: Position, key: str, table: Tensor, product: Callable[[Tensor, Tensor], Tensor]
    ) -> Tensor:
        """The product of the probabilities at a position, (choices,), with a table (choices, n). Made once, like `once`.

        key: tells tables of one type apart. Where n is small, the probabilities at all positions of the dimension,
        (positions, choices) padded with zeros, are multiplied at once: the same table is mostly asked for at many of them,
        and a call costs more than what it does.
        """
        made = self._each.setdefault((position.dim, key, table.dtype, torch.is_grad_enabled()), {})
        if position.index not in made:
            rows = self._together(position, table.shape[1])
            if rows is None:
                made[position.index] = product(self.probability(position), table)
            else:
                made.update(enumerate(product(rows, table).unbind()))
        return made[position.index]

    def _together(self, position: Position, size: int) -> Tensor | None:
        """The probabilities at all positions of a dimension, if it is little to make so many numbers of each."""
        if position.dim in self._apart or position.dim not in self._rows:
            return None
        _, rows = self._rows[position.dim]
        return rows if len(rows) * size <= LITTLE else None

    def terms(self, positions: tuple[Position, ...]) -> list[Term]:
        """The joint choices of the positions, in the order of `joint`."""
        indices = product(*(range(len(p.choices)) for p in positions))
        return [Term({**self.fixed, **dict(zip(positions, joint))}) for joint in indices]

    def weighted(self, positions: tuple[Position, ...]) -> Iterator[tuple[Tensor, Term]]:
        """The joint choices that have a probability, each behind it: all, but for those that were pruned."""
        for probability, term in zip(self.joint(positions).unbind(), self.terms(positions)):
            if all(self.plays(p, term.fixed[p]) for p in positions):
                yield probability, term


class Straight(Mixed):
    """The mixture at a vertex, run for the gradient of its probabilities (straight-through, as in GDAS).

    Value and gradients are those of `Mixed`, and less is computed. Along axes of nested dimensions tensors are
    sliced: weights are multiplied there by gains of value 1, which have the gradient of every choice. Elsewhere
    (kernels, depths, operations) all choices are evaluated, and only the drawn one is differentiated.

    The gradient of a nested width sums over the part of its block that the drawn one has too. It is therefore the
    same for all choices that contain the drawn one, up to what norms see of their width; of the smallest choice
    drawn, it is the same for all, which a softmax ignores. First derivatives only.

    ChoiceError as for `Mixed`, and where a position is not one-hot.
    """

    def __init__(self, space: Space, vertex: Vertex) -> None:
        super().__init__(space, vertex)
        self.drawn = {}
        for dim in space.dims:
            if dim.name in vertex:
                self.drawn.update(_hot(dim, _given(dim, vertex)))
        self.cut = frozenset(p for dim in space.dims if dim.nested for p in dim.positions)
        self.fixed = {**self.fixed, **{p: self.drawn[p] for p in self.cut}}


def _given(dim: Dim, probabilities: Probabilities) -> Tensor:
    """The dimension's probabilities, in their shape."""
    if dim.name not in probabilities:
        raise ChoiceError(f"no probabilities for dimension `{dim.name}`; wanted shape {dim.shape}")
    given = probabilities[dim.name]
    if tuple(given.shape) != dim.shape:
        raise ChoiceError(
            f"probabilities of `{dim.name}`: wanted shape {dim.shape}, given {tuple(given.shape)}"
        )
    return given


def _vectors(dim: Dim, rows: Tensor) -> Sequence[Tensor]:
    """The probabilities of every position, without the padding; one node of the graph for all of them."""
    if dim.even:
        return rows.unbind()
    return [row[: len(p.choices)] for p, row in zip(dim.positions, rows.unbind())]


def _hot(dim: Dim, given: Tensor) -> dict[Position, int]:
    """The number of the choice of every position; ChoiceError where it is not one-hot."""
    numbers: dict[Position, int] = {}
    for position, row in zip(dim.positions, [given.tolist()] if dim.per is None else given.tolist()):
        row = row[: len(position.choices)]
        if sorted(row) != [0.0] * (len(row) - 1) + [1.0]:
            raise ChoiceError(
                f"`{dim.name}` (position {position.index}) {_why_hot(dim)}, not superposed: its"
                f" probabilities must be one-hot, not {row}{'; leave it out, and all edges are kept' * dim.gates}"
            )
        numbers[position] = row.index(1.0)
    return numbers


def _why_hot(dim: Dim) -> str:
    if dim.gates:
        return "says which edges are kept"
    return "can only be sampled" if dim.sampled else "is given as a vertex"
