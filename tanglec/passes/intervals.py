"""Bounds of an extent by interval arithmetic: never wrong, at once, and exact where every choice occurs once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product

from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Position, Scalar

Number = int | Fraction
Interval = tuple[Number, Number]  # a truth value is a number: False comes before True

_EVERYTHING: Interval = (-(10**60), 10**60)
_MONOTONE = ("+", "-", "*", "min", "max", "ceil", "floor", "<", "<=", ">", ">=", "and", "or", "not")


def interval(extent: Extent, known: Mapping[Position, Interval] | None = None) -> Interval:
    """The least and the largest value that an extent can have.

    `known` are intervals of positions that are not choices. What is not monotone in its operands (a remainder) is
    bounded without looking at it, and names are nowhere or anywhere.
    """
    known = known or {}
    if extent.kind == "const":
        return _hull([extent.constant])
    if extent.kind == "choice":
        position = extent.positions[0]
        return known[position] if position in known else _hull(position.choices)
    operands = [interval(a, known) for a in extent.args]
    if extent.kind == "where":
        (_, _), (a, b), (c, d) = operands
        return min(a, c), max(b, d)
    if extent.kind in ("==", "!="):
        (a, b), (c, d) = operands
        apart, same = b < c or d < a, a == b == c == d and _EVERYTHING[0] < a
        return (same, not apart) if extent.kind == "==" else (apart, not same)
    positive = extent.kind in ("/", "//", "round_to") and operands[1][0] > 0
    if extent.kind in _MONOTONE or positive:
        return _hull([ex.OPERATIONS[extent.kind](*corner) for corner in product(*operands)])
    return _EVERYTHING


def _hull(values: Sequence[Scalar]) -> Interval:
    numbers = [v for v in values if not isinstance(v, str)]
    return (min(numbers), max(numbers)) if len(numbers) == len(values) else _EVERYTHING
