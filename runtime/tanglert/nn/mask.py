"""The masks of the superposition algebra: which indices of a weight's axes the choices read, weighted by their
probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from sys import intern
from typing import TypeAlias

import torch
from torch import Tensor, nn

from tanglert.choices import Choices, Mixed
from tanglert.dim import Axis, AxisLike
from tanglert.extent import Extent, Position, Value, extent, ordered
from tanglert.nn.narrowed import Range, narrowed
from tanglert.nn.unrounded import unrounded


class Kernel:
    """The two spatial axes of a kernel of elastic size: a choice reads the centred square."""

    def __init__(self, size: Extent | int) -> None:
        self.extent = extent(size)
        self.side = self.extent.largest
        self.size = self.side**2
        self.positions = self.extent.positions

    def crop(self, weight: Tensor, at: Choices) -> Tensor:
        """The centred part of the last two axes."""
        return narrowed(weight, self.ranges(at, weight.dim()))

    def ranges(self, at: Choices, rank: int) -> list[Range]:
        """Where that is, in a weight of so many axes."""
        size = at.size(self.extent)
        start = (self.side - size) // 2
        return [(rank - 2, start, size), (rank - 1, start, size)]


class Segment:
    """A segment of some axis as the algebra sees it: its size, and which indices every joint choice reads.

    `width` is what is superposed, `real` what an architecture reads; they differ where an axis has no gain.
    """

    def __init__(self, width: Extent, size: int, centred: bool, real: Extent) -> None:
        self.extent, self.real = width, real
        self.positions = width.positions
        self.size = size
        self.centred = centred
        self.key = f"{width.positions}{width.table}{real.positions}{real.table}{size}{centred}"

    def stored(self, at: Mixed) -> int:
        """Its size in a tensor of the mixture."""
        return at.size(self.real) if at.cuts(self.real) else self.size

    def table(self, shared: tuple[Position, ...], private: tuple[Position, ...]) -> Tensor:
        """`F[q, s, i]`, (joint choices of private, of shared, size)."""
        rows = [self._read(value) for value in self.extent.over(private + shared)]
        return torch.stack(rows).view(_joint(private), _joint(shared), self.size)

    def reading(self, shared: tuple[Position, ...], private: tuple[Position, ...]) -> str:
        """What its table says, whatever the positions are called."""
        values = self.extent.over(private + shared)
        return intern(f"{_joint(private)} {_joint(shared)} {values} {self.size} {self.centred}")

    def _read(self, value: Value) -> Tensor:
        width = int(value)  # what is not whole is excluded by a condition, and has no probability
        if not self.centred:
            return (torch.arange(self.size) < width).to(torch.get_default_dtype())
        side = math.isqrt(self.size)
        start = (side - width) // 2
        line = torch.zeros(side)
        line[start : start + width] = 1
        return (line.unsqueeze(1) * line).flatten()


WeightAxis: TypeAlias = AxisLike | Kernel


class _Mask(nn.Module):
    """Sums over choices of the rows of tables, weighted by their probabilities."""

    def weighed(self, at: Mixed, positions: tuple[Position, ...], key: str, table: Tensor) -> Tensor:
        """`Σ_q p_q table[q]` over the joint choices of the positions, (n) of a table (joint choices, n).

        key: tells tables apart, and is the same for those that say the same.
        """
        if not positions:
            return table[0]
        if len(positions) > 1 or at.cut:
            return self._product(at.joint(positions), table)
        return at.each(positions[0], key, table, self._product)

    @unrounded
    def _product(self, p: Tensor, table: Tensor) -> Tensor:
        if p.shape[-1] > len(table):  # padded
            p = p[..., : len(table)]
        p = p.to(table.dtype)
        # Of a vector, one node of the graph; `p @ table` is three.
        return p @ table if p.dim() > 1 else torch.mv(table.t(), p)


class Line(_Mask):
    """The mask of one axis that shares no position with another: a vector, `Σ_q p_q F[q, i]` for every segment."""

    table0: Tensor

    def __init__(self, segments: Sequence[Segment]) -> None:
        super().__init__()
        self.segments = tuple(segments)
        self.positions = ordered(p for s in segments for p in s.positions)
        self.key = intern("line " + "".join(s.key for s in segments))
        self.readings = [s.reading((), s.positions) for s in segments]
        self.simple = len(segments) == len(self.positions) == 1
        for number, segment in enumerate(segments):
            table = segment.table((), segment.positions).squeeze(1)
            self.register_buffer(f"table{number}", table, persistent=False)

    def vector(self, at: Mixed) -> Tensor:
        """The vector, (size of the axis as it is at hand). Made once for all weights that are read alike."""
        if self.simple and not at.cut:
            return at.each(self.positions[0], self.readings[0], self.table0, self._product)
        return at.once(self.positions, (self.key, self.table0.dtype), lambda: self._vector(at))

    def _vector(self, at: Mixed) -> Tensor:
        pieces = [self._piece(number, at) for number in range(len(self.segments))]
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def _piece(self, number: int, at: Mixed) -> Tensor:
        segment, table = self.segments[number], getattr(self, f"table{number}")
        if at.cut:
            table = table[:, : segment.stored(at)]
        return self.weighed(at, segment.positions, self.readings[number], table)


class SubBlock(nn.Module):
    """One segment of every axis of a weight: the mask of that part, as a product over components."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        super().__init__()
        self.segments = tuple(segments)
        groups = connected([s.positions for s in segments])
        self.components = [Component([(a, segments[a]) for a in g], len(segments)) for g in groups]
        self.tables = nn.ModuleList(self.components)

    def mask(self, at: Mixed, like: Tensor) -> Tensor:
        """The whole mask, of the size of the part."""
        mask = like.new_ones([segment.stored(at) for segment in self.segments])
        for component in self.components:
            mask = mask * component.mask(at)
        return mask


class Component(_Mask):
    """Axes of a part that are tied by shared positions: `Σ_s p_s Π_a G_a[s, i_a]`."""

    short: Tensor

    def __init__(self, axes: list[tuple[int, Segment]], rank: int) -> None:
        super().__init__()
        uses = [p for _, segment in axes for p in segment.positions]
        self.shared = ordered(p for p in uses if uses.count(p) > 1)
        self.private = [tuple(p for p in s.positions if p not in self.shared) for _, s in axes]
        self.rank = rank
        self.axes = axes
        for (index, segment), private in zip(axes, self.private):
            self.register_buffer(f"table{index}", segment.table(self.shared, private), persistent=False)
        self.readings = [s.reading(self.shared, own) for (_, s), own in zip(axes, self.private)]
        self.runs, short = by_runs(self.get_buffer(f"table{axes[0][0]}"))
        self.register_buffer("short", short, persistent=False)

    def factors(self, at: Mixed, short: bool = False) -> list[Tensor]:
        """`G_a[s, i]` of every axis, (joint choices of what is shared, size); the first one times `p_s`.

        short: the first one has a column for each of its `runs` instead, of indices that all choices read alike.
        """
        made = [self._factor(k, at, short and not k) for k in range(len(self.axes))]
        if self.shared:
            made[0] = at.joint(self.shared).to(made[0].dtype).unsqueeze(1) * made[0]
        return made

    def mask(self, at: Mixed) -> Tensor:
        """The component's mask, with size one along the axes that it does not touch."""
        *front, last = self.factors(at)
        view = [1] * self.rank
        for index, segment in self.axes:
            view[index] = segment.stored(at)
        if not front:
            return last.sum(0).view(view)
        return (rows(front).t() @ last).view(view)

    def _factor(self, number: int, at: Mixed, short: bool) -> Tensor:
        """`G[s, i] = Σ_q p_q F[q, s, i]`."""
        (index, segment), private = self.axes[number], self.private[number]
        table: Tensor = self.short if short else getattr(self, f"table{index}")
        if at.cut:
            table = table[..., : segment.stored(at)]
        reading = f"short {self.readings[number]}" if short else self.readings[number]
        return self.weighed(at, private, reading, table.flatten(1)).view(table.shape[1:])


def by_runs(table: Tensor) -> tuple[list[int], Tensor]:
    """How many neighbours along the last axis are equal, from one end to the other; and the table with one of each."""
    new = (table[..., 1:] != table[..., :-1]).flatten(0, -2).any(0).nonzero().flatten() + 1
    starts = [0, *new.tolist()]
    lengths = [end - start for start, end in zip(starts, [*starts[1:], table.shape[-1]])]
    return lengths, table[..., starts]


def rows(factors: Sequence[Tensor]) -> Tensor:
    """Thin matrices (S, n_a) as one, (S, Π n_a): the products of their rows."""
    product, *rest = factors
    for factor in rest:
        product = (product.unsqueeze(2) * factor.unsqueeze(1)).flatten(1)
    return product


def segments_of(along: Axis | Kernel, gain: bool) -> list[Segment]:
    if isinstance(along, Kernel):
        kernel = along.extent if gain else extent(along.side)
        return [Segment(kernel, along.size, centred=True, real=kernel)]
    return [
        Segment(s if gain else extent(n), n, centred=False, real=s)
        for s, n in zip(along.segments, along.sizes)
    ]


def connected(uses: Sequence[tuple[Position, ...]]) -> list[list[int]]:
    """The axes that use a position, grouped: axes that share one, directly or through others, are together."""
    groups: list[list[int]] = []
    for index, own in enumerate(uses):
        if own:
            touched = [g for g in groups if any(set(uses[a]) & set(own) for a in g)]
            groups = [g for g in groups if g not in touched] + [sorted(sum(touched, [index]))]
    return groups


def _joint(positions: Sequence[Position]) -> int:
    return math.prod(len(position.choices) for position in positions)
