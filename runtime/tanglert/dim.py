"""Dimensions of a search space, and axes: how the width of a tensor is laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tanglert.extent import Extent, Position, Scalar, Value, exact, extent, ordered

# What every `Arch` has; `tanglert.arch` is built on this module, and a test holds the two equal.
ARCH_MEMBERS = frozenset(
    "allowed from_dict from_indices from_json indices one_hot space to_dict to_json".split()
)


class Dim(Extent):
    """One searchable dimension, with a choice at every one of its positions.

    A dimension of the whole network (`per=None`) has one position and is itself an extent. A scoped one has
    `positions` of them; `dim[i]` is the extent of the i-th. `groups` names runs of positions and their lengths
    (choices kept apart by block name): `dim["normal", i]`. `lists` gives every position choices of its own.
    `present` says where a position exists (a layer beyond the depth does not). `sampled` marks a dimension
    that cannot be superposed. `gates` marks the choices of which edges a cell keeps: all of them in a mixture.
    `nested` promises that at a vertex the gradient of its probabilities is had from the slice (`Straight`).
    No architecture takes a `forbidden` choice; a mixture knows it all the same (the `none` of DARTS).
    `width` is the number of choices of the position that has most, `even` says whether all have as many; `shape` is
    that of the dimension's probabilities: (choices,), or (positions, choices) if scoped.
    ValueError on no choice, a choice given twice, or lists that do not match the
    positions.
    """

    def __init__(
        self,
        name: str,
        choices: Sequence[Scalar] = (),
        *,
        lists: Sequence[Sequence[Scalar]] | None = None,
        per: str | None = None,
        positions: int = 1,
        groups: Mapping[str, int] | None = None,
        present: Sequence[Extent | bool] | None = None,
        sampled: bool = False,
        gates: bool = False,
        nested: bool = False,
        forbidden: Sequence[Scalar] = (),
    ) -> None:
        rows = [choices] * positions if lists is None else lists
        self.name = name
        self.per = per
        self.sampled, self.gates, self.nested = sampled, gates, nested
        self.forbidden = tuple(exact(choice) for choice in forbidden)
        self.groups = dict(groups or {})
        if groups is not None and sum(groups.values()) != len(rows):
            raise ValueError(f"`{name}`: groups of {list(groups.values())} for {len(rows)} positions")
        self.positions = tuple(Position(name, i, _distinct(name, row)) for i, row in enumerate(rows))
        self.table = self.positions[0].choices if per is None else ()
        if per is None and len(self.positions) != 1:
            raise ValueError(
                f"`{name}` is a choice of the whole network: it has one position, not {len(rows)}"
            )
        # Of its probabilities; asked for in every step, so not computed then.
        self.width = max(len(position.choices) for position in self.positions)
        self.even = all(len(position.choices) == self.width for position in self.positions)
        self.shape: tuple[int, ...] = (self.width,) if per is None else (len(self.positions), self.width)
        self.present = (
            tuple(extent(e) for e in present) if present is not None else (extent(True),) * len(rows)
        )
        if len(self.present) != len(self.positions):
            raise ValueError(f"`{name}`: {len(self.present)} conditions for {len(self.positions)} positions")

    @property
    def field(self) -> str:
        """The field of `Arch` that holds its choices: its name, unless every architecture has such a member."""
        return f"{self.name}_" if self.name in ARCH_MEMBERS else self.name

    def __getitem__(self, index: int | tuple[str, int]) -> Extent:
        if isinstance(index, tuple):
            group, place = index
            index = self.runs[group].start + place
        position = self.positions[index]
        return Extent((position,), position.choices)

    @property
    def runs(self) -> dict[str, range]:
        """The positions of every group."""
        starts: dict[str, range] = {}
        start = 0
        for group, length in self.groups.items():
            starts[group] = range(start, start + length)
            start += length
        return starts

    def allowed(self, position: Position) -> list[int]:
        """The numbers of the choices that an architecture may take."""
        return [i for i, choice in enumerate(position.choices) if choice not in self.forbidden]

    def single(self) -> Extent:
        if self.per is not None:
            raise TypeError(f"`{self.name}` has a choice for every position: {self.name}[i] is one of them")
        return Extent(self.positions, self.table)

    def __repr__(self) -> str:
        scope = "" if self.per is None else f" per {self.per}"
        return f"Dim({self.name}{scope}, {len(self.positions)} positions)"


def _distinct(name: str, choices: Sequence[Scalar]) -> tuple[Value, ...]:
    values = tuple(exact(choice) for choice in choices)
    if not values:
        raise ValueError(f"`{name}` has no choice")
    if len({(isinstance(v, bool), v) for v in values}) < len(values):
        raise ValueError(f"`{name}` has a choice twice: {', '.join(map(str, choices))}")
    return values


class Axis:
    """The layout of one width axis: an ordered list of segments, each with a largest size and a width.

    In a padded tensor every segment has its largest size, and a choice fills the leading part of each.
    """

    segments: tuple[Extent, ...]

    def __init__(self, *parts: AxisLike) -> None:
        segments: list[Extent] = []
        for part in parts:
            segments.extend(part.segments if isinstance(part, Axis) else [extent(part)])
        self.segments = tuple(segments)
        self.sizes = tuple(segment.largest for segment in segments)
        self.size = sum(self.sizes)
        self.positions = ordered(p for segment in segments for p in segment.positions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Axis) and self.segments == other.segments

    def __hash__(self) -> int:
        return hash(self.segments)

    def __repr__(self) -> str:
        return " ++ ".join(map(repr, self.segments))


AxisLike: TypeAlias = Axis | Extent | int


def axis(value: AxisLike) -> Axis:
    """The value as an axis: an extent or a number is one segment."""
    return value if isinstance(value, Axis) else Axis(value)
