"""Extents: quantities that depend on choices, tabulated over their finite domain.

A width such as `embed * ratio` is a finite function of the choices at a few positions. It is kept as its
table: one exact value for every joint choice, in product order with the first position slowest. Two extents
are equal when they depend on the same positions and agree everywhere, however they were written.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

Value: TypeAlias = int | Fraction | bool | str
Scalar: TypeAlias = int | float | Fraction | bool | str

LARGEST_TABLE = 4_096  # entries of a table that is made before anybody asks for it


def exact(value: Scalar) -> Value:
    """The value in exact arithmetic: 3.5 is 7/2 (as it was written, not as it is stored), 4.0 is 4."""
    if isinstance(value, float):
        value = Fraction(str(value))
    # The exact type: asking for an instance of an abstract class takes long, and tables are large.
    if type(value) is Fraction and value.denominator == 1:
        return value.numerator
    return value


@dataclass(frozen=True)
class Position:
    """One place where a dimension is chosen: the dimension's name, the index in order of execution, its
    choices.
    """

    dim: str
    index: int
    choices: tuple[Value, ...]

    def __hash__(self) -> int:  # without the choices: hashing exact fractions is slow
        return hash((self.dim, self.index))


class Extent:
    """A finite function of the choices at `positions` (sorted by dimension and index).

    `table` holds its value for every joint choice. Positions that the value does not depend on are dropped.
    """

    positions: tuple[Position, ...]
    table: tuple[Value, ...]

    def __init__(self, positions: Iterable[Position], table: Iterable[Scalar]) -> None:
        self.positions, self.table = _essential(list(positions), [exact(value) for value in table])

    def over(self, positions: Sequence[Position]) -> list[Value]:
        """The table spread over a superset of its positions, in their product order."""
        steps = {
            p: math.prod(len(q.choices) for q in self.positions[k + 1 :])
            for k, p in enumerate(self.positions)
        }
        places = [0]
        for p in positions:
            offsets = [steps.get(p, 0) * i for i in range(len(p.choices))]
            places = [place + offset for place in places for offset in offsets]
        return [self.table[place] for place in places]

    @property
    def reads(self) -> tuple[Position, ...]:
        """All positions that were looked at; no table is made to find out which of them matter."""
        return self.positions

    def at(self, indices: Mapping[Position, int]) -> Value:
        """The value where position `p` takes its choice number `indices[p]`; KeyError if a position is
        missing.
        """
        index = 0
        for position in self.positions:
            index = index * len(position.choices) + indices[position]
        return self.table[index]

    @property
    def largest(self) -> int:
        """The largest size; a value that is not whole (excluded by a `require`) is no size."""
        return max(value for value in self.table if isinstance(value, int))

    def single(self) -> Extent:
        """Itself, as one quantity; a scoped dimension, which is one for every position, is none."""
        return self

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Extent):
            return NotImplemented
        return (self.positions, self.table) == (other.positions, other.table)

    def __hash__(self) -> int:
        return hash((self.positions, self.table))

    def __repr__(self) -> str:
        values = [str(value) for value in dict.fromkeys(self.table)]
        if len(values) > 8:
            values = [*values[:3], "…", values[-1]]
        names = ", ".join(f"{p.dim}[{p.index}]" for p in self.positions)
        return " | ".join(values) + (f" by {names}" if names else "")

    def __add__(self, other: Extent | Scalar) -> Extent:
        return tabulate(operator.add, self, other)

    def __radd__(self, other: Scalar) -> Extent:
        return tabulate(operator.add, other, self)

    def __sub__(self, other: Extent | Scalar) -> Extent:
        return tabulate(operator.sub, self, other)

    def __rsub__(self, other: Scalar) -> Extent:
        return tabulate(operator.sub, other, self)

    def __mul__(self, other: Extent | Scalar) -> Extent:
        return tabulate(operator.mul, self, other)

    def __rmul__(self, other: Scalar) -> Extent:
        return tabulate(operator.mul, other, self)

    def __truediv__(self, other: Extent | Scalar) -> Extent:
        return tabulate(lambda a, b: Fraction(a) / b, self, other)

    def __rtruediv__(self, other: Scalar) -> Extent:
        return tabulate(lambda a, b: Fraction(a) / b, other, self)

    def __floordiv__(self, other: Extent | Scalar) -> Extent:
        return tabulate(operator.floordiv, self, other)

    def __rfloordiv__(self, other: Scalar) -> Extent:
        return tabulate(operator.floordiv, other, self)

    def __mod__(self, other: Extent | Scalar) -> Extent:
        return tabulate(operator.mod, self, other)

    def __rmod__(self, other: Scalar) -> Extent:
        return tabulate(operator.mod, other, self)

    def __lt__(self, other: Extent | Scalar) -> Extent:
        return tabulate(operator.lt, self, other)

    def __le__(self, other: Extent | Scalar) -> Extent:
        return tabulate(operator.le, self, other)

    def __gt__(self, other: Extent | Scalar) -> Extent:
        return tabulate(operator.gt, self, other)

    def __ge__(self, other: Extent | Scalar) -> Extent:
        return tabulate(operator.ge, self, other)

    def eq(self, other: Extent | Scalar) -> Extent:
        """Where the two values agree (`==` compares the extents themselves)."""
        return tabulate(operator.eq, self, other)

    def ne(self, other: Extent | Scalar) -> Extent:
        return tabulate(operator.ne, self, other)


def extent(value: Extent | Scalar) -> Extent:
    """The value as an extent; a constant depends on no position."""
    if not isinstance(value, Extent):
        return Extent((), (value,))
    return value.single()


def tabulate(function: Callable[..., Any], *arguments: Extent | Scalar) -> Extent:
    """The function applied to the values of its arguments, for every joint choice of all their positions."""
    late = Late(function, [extent(argument) for argument in arguments])
    small = math.prod(len(p.choices) for p in late.reads) <= LARGEST_TABLE
    return late.tabulated() if small else late


class Late(Extent):
    """A function of extents whose table is large: made when it is asked for, which for most conditions never is."""

    def __init__(self, function: Callable[..., Any], arguments: Sequence[Extent]) -> None:
        self._function, self._arguments = function, arguments
        self._reads = ordered(position for e in arguments for position in e.reads)

    @property
    def reads(self) -> tuple[Position, ...]:
        return self._reads

    def at(self, indices: Mapping[Position, int]) -> Value:
        return exact(self._function(*(e.at(indices) for e in self._arguments)))

    def tabulated(self) -> Extent:
        """The same, as a table."""
        rows = zip(*(e.over(self._reads) for e in self._arguments))
        return Extent(self._reads, (self._function(*row) for row in rows))

    def __getattr__(self, name: str) -> Any:
        if name not in ("positions", "table"):
            raise AttributeError(name)
        made = self.tabulated()
        self.positions, self.table = made.positions, made.table
        return getattr(made, name)

    def __reduce__(self) -> tuple[type[Extent], tuple[Any, ...]]:
        return Extent, (self.positions, self.table)  # functions are not to be pickled


def ordered(positions: Iterable[Position]) -> tuple[Position, ...]:
    """Each position once, sorted by dimension and index."""
    return tuple(sorted(set(positions), key=lambda p: (p.dim, p.index)))


def ceil(x: Extent | Scalar) -> Extent:
    return tabulate(math.ceil, x)


def floor(x: Extent | Scalar) -> Extent:
    return tabulate(math.floor, x)


def maximum(*xs: Extent | Scalar) -> Extent:
    return tabulate(lambda *values: max(values), *xs)


def minimum(*xs: Extent | Scalar) -> Extent:
    return tabulate(lambda *values: min(values), *xs)


def where(condition: Extent | bool, a: Extent | Scalar, b: Extent | Scalar) -> Extent:
    return tabulate(lambda c, x, y: x if c else y, condition, a, b)


def lookup(x: Extent | Scalar, values: Mapping[Any, Scalar], otherwise: Scalar) -> Extent:
    """The value that belongs to x's, `otherwise` where there is none: `lookup(OP, {"conv_3x3": 3}, 5)`."""
    known = {exact(key): value for key, value in values.items()}
    return tabulate(lambda value: known.get(value, otherwise), x)


def both(*conditions: Extent | bool) -> Extent:
    return tabulate(lambda *values: all(values), *conditions)


def either(*conditions: Extent | bool) -> Extent:
    return tabulate(lambda *values: any(values), *conditions)


def negate(condition: Extent | bool) -> Extent:
    return tabulate(operator.not_, condition)


def round_to(x: Extent | Scalar, divisor: int) -> Extent:
    """The nearest multiple of `divisor`, at least one, never below nine tenths of `x`.

    The field's `make_divisible`, from the reference implementation of MobileNet (Sandler et al. 2018).
    """

    return tabulate(lambda v: divisible(v, divisor), x)


def keeps(edges: Extent | str, source: int) -> Extent:
    """Whether a choice of edges such as `0+2` keeps the one from node `source`."""
    return tabulate(lambda kept: str(source) in kept.split("+"), edges)


def divisible(v: int | float | Fraction, divisor: int) -> int:
    """`round_to` of a plain number."""
    exact_v = Fraction(str(v)) if isinstance(v, float) else Fraction(v)
    new = max(divisor, int((exact_v + Fraction(divisor, 2)) // divisor * divisor))
    return new + divisor if new < Fraction(9, 10) * exact_v else new


def _essential(
    positions: list[Position], table: list[Value]
) -> tuple[tuple[Position, ...], tuple[Value, ...]]:
    """Drop the positions along which the table is constant."""
    for k in reversed(range(len(positions))):
        run = math.prod(len(p.choices) for p in positions[k + 1 :])
        block = run * len(positions[k].choices)
        firsts = [start - start % block for start in range(0, len(table), run)]
        rows = enumerate(firsts)
        if all(table[i * run : (i + 1) * run] == table[first : first + run] for i, first in rows):
            table = [value for first in dict.fromkeys(firsts) for value in table[first : first + run]]
            del positions[k]
    return tuple(positions), tuple(table)
