"""Functions of architectures that add up: taken apart into tables over few positions, and averaged over independent choices.

A cost sums over weights, and each of its terms depends on few choices. So the function itself, evaluated where few
choices differ from the first ones, says everything (its anchored decomposition: Kuo et al. 2010, "On decompositions of
multivariate functions"), and an expectation over independent choices is one contraction for each table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from tanglert.dim import Dim
from tanglert.extent import Extent, Position
from tanglert.space import Space

MOST = 200_000  # evaluations of a function: some seconds


class TermsError(ValueError):
    """A function that cannot be taken apart; the message names the choices."""


@dataclass(frozen=True)
class Table:
    """A function of the choices at some positions, a number for each joint choice: float64, one axis a position."""

    positions: tuple[Position, ...]
    values: Tensor

    def at_first(self, others: Sequence[Position]) -> Tensor:
        """Its values over other positions, its own ones that are not among them at their first choice."""
        shared = [p for p in others if p in self.positions]
        values = self.values[tuple(slice(None) if p in shared else 0 for p in self.positions)]
        axes = [p for p in self.positions if p in shared]
        values = values.permute([axes.index(p) for p in shared])
        return values.reshape([len(p.choices) if p in shared else 1 for p in others])


def tables(
    space: Space, function: Callable[[Any], float], together: Iterable[Sequence[Extent]]
) -> list[Table]:
    """Tables that add up to the function for every joint choice, whatever a `require` says.

    function: of an architecture (or what has its fields); it is read where `require` does not hold, too. together: the
    positions that meet in one of its terms, as `Cost` has them. What absent positions hold does not matter.
    Raises TermsError where too many choices meet, or the function has no value for some of them.
    """
    parts = meeting(space, together)
    size = sum(prod(len(p.choices) for p in part) for part in parts)
    if size > MOST:
        largest = max(parts, key=lambda part: prod(len(p.choices) for p in part))
        names = ", ".join(dict.fromkeys(f"`{p.dim}`" for p in largest))
        raise TermsError(
            f"{space.name}: {names} meet in one term of a cost, {size:,} joint choices in all; {MOST:,} are the most"
        )
    found: list[Table] = []
    for part in parts:
        values = _evaluated(space, function, part)
        for table in found:
            values = values - table.at_first(part)
        if values.any():
            found.append(Table(part, values))
    return found


def meeting(space: Space, together: Iterable[Sequence[Extent]]) -> list[tuple[Position, ...]]:
    """The sets of positions that a term may depend on: those given, and every single one, with those that decide on their
    presence; none is part of another but the empty one, which comes first.
    """
    order = {p: n for n, p in enumerate(space.positions)}
    given = [set(part) for group in together for part in _spread(group)]
    every = [_with_deciding(space, part) for part in [*given, *({p} for p in space.positions)]]
    sorted_parts = {tuple(sorted(part, key=order.__getitem__)) for part in every}
    parts = sorted(sorted_parts, key=lambda part: (-len(part), [order[p] for p in part]))
    kept: list[set[Position]] = []
    result: list[tuple[Position, ...]] = []
    for part in parts:
        if not any(other >= set(part) for other in kept):
            kept.append(set(part))
            result.append(part)
    return [(), *(part for part in result if part)]


def _spread(group: Sequence[Extent]) -> Iterable[list[Position]]:
    """The positions of a group; scoped dimensions at the same place each, at one after the other."""
    fixed: list[Position] = []
    runs: list[Sequence[Position]] = []
    for member in group:
        if isinstance(member, Dim) and member.per is not None:
            runs.append(member.positions)
        else:
            fixed += member.single().positions
    return ([*fixed, *places] for places in zip(*runs, strict=True)) if runs else [fixed]


def _with_deciding(space: Space, positions: set[Position]) -> set[Position]:
    """With the positions that decide on their presence; without those that have one choice only."""
    found: set[Position] = set()
    left = list(positions)
    while left:
        position = left.pop()
        if position not in found:
            found.add(position)
            left += space.present(position).positions
    return {p for p in found if len(p.choices) > 1}


def _evaluated(space: Space, function: Callable[[Any], float], part: Sequence[Position]) -> Tensor:
    """The function for every joint choice of a part, all other positions at their first choice."""
    first = dict.fromkeys(space.positions, 0)
    base = {p: _held(space, p, first) for p in space.positions}
    affected = [p for p in space.positions if p in part or {*space.present(p).positions} & {*part}]
    values = []
    for joint in product(*(range(len(p.choices)) for p in part)):
        indices = {**first, **dict(zip(part, joint, strict=True))}
        held = {**base, **{p: _held(space, p, indices) for p in affected}}
        try:
            values.append(float(function(_fields(space, held))))
        except ArithmeticError as error:
            shown = ", ".join(f"{p.dim}={p.choices[i]}" for p, i in zip(part, joint, strict=True))
            raise TermsError(f"{space.name}: a cost has no value at {shown} ({error})") from None
    return torch.tensor(values, dtype=torch.float64).reshape([len(p.choices) for p in part])


def _held(space: Space, position: Position, indices: dict[Position, int]) -> Any:
    """What an architecture holds at a position: a choice as users write it, None where it is absent."""
    if not space.present(position).at(indices):
        return None
    value = position.choices[indices[position]]
    return float(value) if isinstance(value, Fraction) else value


def _fields(space: Space, held: dict[Position, Any]) -> SimpleNamespace:
    """The fields of an `Arch`, without its checks."""
    fields: dict[str, Any] = {}
    for dim in space.dims:
        values = tuple(held[p] for p in dim.positions)
        by_group = {g: values[r.start : r.stop] for g, r in dim.runs.items()}
        fields[dim.field] = values[0] if dim.per is None else by_group or values
    return SimpleNamespace(**fields)
