"""Symbolic extents and axes as Python text."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from tanglec.codegen.naming import constant_name
from tanglec.ir.extents import Extent, Position, Scalar
from tanglec.ir.types import Axis

_OPERATORS = {"<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6}
_FUNCTIONS = {
    "min": "minimum", "max": "maximum", "ceil": "ceil", "floor": "floor", "round_to": "round_to", "where": "where",
    "and": "both", "or": "either", "not": "negate",
    "keeps": "keeps",
}  # fmt: skip
_METHODS = {"==": "eq", "!=": "ne"}

ATOM = 9  # precedence of what needs no brackets

Text = tuple[str, int]  # text and its precedence


def number_text(value: Scalar) -> str:
    """A scalar as Python; fractions that no decimal says exactly are kept."""
    if isinstance(value, Fraction):
        decimal = repr(float(value))
        return decimal if Fraction(decimal) == value else f"Fraction({value.numerator}, {value.denominator})"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def position_text(position: Position) -> str:
    """`EMBED`, `HEADS[3]`, `OP["normal", 3]`."""
    name = constant_name(position.dim)
    if not position.scoped:
        return name
    return f'{name}["{position.group}", {position.index}]' if position.group else f"{name}[{position.index}]"


def bracketed(text: Text, level: int) -> str:
    return text[0] if text[1] >= level else f"({text[0]})"


def combine(kind: str, args: list[Text]) -> Text:
    """An operation on texts; the runtime's extents understand the same operators and functions."""
    level = _OPERATORS.get(kind)
    if level is not None:
        return f"{bracketed(args[0], level)} {kind} {bracketed(args[1], level + 1)}", level
    if kind in _METHODS:
        return f"{bracketed(args[0], ATOM)}.{_METHODS[kind]}({args[1][0]})", ATOM
    return f"{_FUNCTIONS[kind]}({', '.join(a for a, _ in args)})", ATOM


Table = tuple[tuple[tuple[Scalar, Scalar], ...], Scalar]  # values by choice, and that of all other choices


def as_table(extent: Extent) -> tuple[Extent, Table] | None:
    """`a if op == "x" else b if op == "y" else c`, with several conditions on one choice, as a choice and a table."""
    on, entries = None, []
    while extent.kind == "where" and extent.args:
        condition, value, extent = extent.args
        if condition.kind != "==" or condition.args[0].kind != "choice" or not value.is_constant:
            return None
        if not condition.args[1].is_constant or on not in (None, condition.args[0]):
            return None
        on = condition.args[0]
        entries.append((condition.args[1].constant, value.constant))
    if on is None or len(entries) < 2 or not extent.is_constant:
        return None
    rest = extent.constant
    return on, (tuple((label, value) for label, value in entries if value != rest), rest)


def table_text(on: str, table: Table) -> Text:
    """`lookup(OP[0], {"conv_3x3": 3}, 5)`."""
    entries = ", ".join(f"{number_text(label)}: {number_text(value)}" for label, value in table[0])
    return f"lookup({on}, {{{entries}}}, {number_text(table[1])})", ATOM


def functions_in(extent: Extent) -> set[str]:
    """The runtime's functions that an extent's text calls."""
    if as_table(extent) is not None:
        return {"lookup"}
    own = {_FUNCTIONS[extent.kind]} if extent.kind in _FUNCTIONS else set()
    return own.union(*map(functions_in, extent.args)) if extent.args else own


def ordered_arguments(extent: Extent) -> tuple[Extent, ...]:
    """Arguments with an elastic one first where a method is called on it."""
    if extent.kind in _METHODS and extent.args[0].kind == "const":
        return extent.args[1], extent.args[0]
    return extent.args


def extent_text(extent: Extent, leaf: Callable[[Position], str] = position_text) -> Text:
    if extent.kind == "const":
        value = extent.constant
        negative = not isinstance(value, str) and value < 0
        return number_text(value), 7 if negative else ATOM
    if extent.kind == "choice":
        return leaf(extent.positions[0]), ATOM
    table = as_table(extent)
    if table is not None:
        return table_text(leaf(table[0].positions[0]), table[1])
    return combine(extent.kind, [extent_text(a, leaf) for a in ordered_arguments(extent)])


def axis_text(axis: Axis, leaf: Callable[[Position], str] = position_text) -> Text:
    if len(axis.segments) == 1:
        return extent_text(axis.segments[0], leaf)
    return f"Axis({', '.join(extent_text(s, leaf)[0] for s in axis.segments)})", ATOM
