"""Extents as plain Python over the choices of an `Arch`, where an absent choice is None."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Set
from dataclasses import replace
from fractions import Fraction

from tanglec.codegen.expressions import number_text
from tanglec.codegen.naming import field, variable
from tanglec.codegen.polynomial import Monomial, divisor
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Position, Scalar
from tanglec.passes.intervals import Number
from tanglec.record import record

ANY = -1  # the index of "the position of this layer" in a loop

_NOT = 3  # how strongly `not` binds, between `and` and comparisons
_FUNCTIONS = {"ceil": "math.ceil", "floor": "math.floor", "round_to": "divisible"}


def anywhere(position: Position) -> Position:
    """The position as the variable of a loop: its index, group and list of choices are left open."""
    return replace(position, index=ANY, group="", choices=()) if position.scoped else position


def moved(extent: Extent) -> Extent:
    """The extent with its scoped positions as variables of a loop."""
    if extent.kind == "choice":
        return ex.choice(anywhere(extent.positions[0]))
    return extent if not extent.args else ex.apply(extent.kind, *map(moved, extent.args))


def position_text(position: Position) -> str:
    """`arch.embed`, `arch.heads[3]`, `arch.op["normal"][3]`; in a loop just `heads`."""
    if not position.scoped:
        return f"arch.{field(position.dim)}"
    if position.index == ANY:
        return variable(position.dim)
    group = f'["{position.group}"]' if position.group else ""
    return f"arch.{field(position.dim)}{group}[{position.index}]"


def choice_text(value: Scalar) -> str:
    """A choice as an `Arch` holds it: fractions are floats there."""
    return repr(float(value)) if isinstance(value, Fraction) else number_text(value)


@record()
class Plain:
    """Prints extents. `maybe` are positions that may be None where they are read lazily: 0 stands in for the type checker."""

    maybe: Set[Position] = frozenset()
    leaf: Callable[[Position], str] = position_text

    def text(self, extent: Extent, outer: int = 0) -> str:
        """The extent, in brackets where the operator around it (of precedence `outer`) binds more strongly."""
        match extent.kind:
            case "const":
                return number_text(extent.constant)
            case "choice":
                name = self.leaf(extent.positions[0])
                return f"({name} or 0)" if extent.positions[0] in self.maybe else name
            case "where":
                condition, then, otherwise = extent.args
                either = (
                    f"{self.text(then, 1)} if {self.condition(condition, 1)} else {self.text(otherwise, 1)}"
                )
                return f"({either})"
            case "==" | "!=" | "<" | "<=" | ">" | ">=" | "and" | "or" | "not" | "keeps":
                return self.condition(extent, outer)
        level = ex.PRECEDENCE.get(extent.kind)
        if level is None:
            name = _FUNCTIONS.get(extent.kind, extent.kind)
            return f"{name}({', '.join(self.text(a) for a in extent.args)})"
        left, right = extent.args
        return _bracketed(
            f"{self.text(left, level)} {extent.kind} {self.text(right, level + 1)}", level, outer
        )

    def condition(self, extent: Extent, outer: int = 0) -> str:
        """A truth value; what is absent equals nothing."""
        kind, level = extent.kind, ex.PRECEDENCE.get(extent.kind, 4)
        if kind in ("and", "or"):
            parts = [self.condition(a, level) for a in extent.args]
            return _bracketed(f" {kind} ".join(parts), level, outer)
        if kind == "not":
            return _bracketed(f"not {self.condition(extent.args[0], _NOT + 1)}", _NOT, outer)
        if kind == "keeps":
            edges, source = extent.args
            kept = self._operand(edges)
            if edges.positions and edges.positions[0] in self.maybe:
                kept = f'({kept} or "")'
            return _bracketed(f'"{source.constant}" in {kept}.split("+")', level, outer)
        if kind in ("==", "!="):
            left, right = extent.args
            if isinstance(right.value, bool):
                return self._truth(left, right.value == (kind == "=="), outer)
            return _bracketed(f"{self._operand(left)} {kind} {self._operand(right)}", level, outer)
        if kind in ("<", "<=", ">", ">="):
            left, right = extent.args
            return _bracketed(f"{self.text(left, 5)} {kind} {self.text(right, 5)}", level, outer)
        return self._operand(extent) if kind in ("choice", "const") else self.text(extent, outer)

    def _truth(self, extent: Extent, holds: bool, outer: int) -> str:
        return self.condition(extent, outer) if holds else self.condition(ex.apply("not", extent), outer)

    def _operand(self, extent: Extent) -> str:
        """One side of an equality, where None may stand."""
        if extent.kind == "choice":
            return self.leaf(extent.positions[0])
        if extent.kind == "const":
            return choice_text(extent.constant)
        return self.text(extent, 5)

    def polynomial(self, total: Iterable[tuple[Monomial, Number | Position]]) -> str:
        """`3 + 2 * embed**2 * ratio`, terms of few factors first; a coefficient may be a variable."""
        pieces = []
        for monomial, c in sorted(total, key=_order):
            if isinstance(c, Position):
                pieces.append("+ " + self.product(monomial, self.leaf(c)))
            else:
                sign = "- " if c < 0 else "+ "
                pieces.append(sign + self.product(monomial, number_text(ex.const(abs(c)).constant)))
        return " ".join(pieces).removeprefix("+ ") if pieces else "0"

    def product(self, monomial: Monomial, coefficient: str = "1") -> str:
        """A coefficient times the factors of a monomial, those of a denominator last."""
        powers = Counter(e for e in monomial if divisor(e) is None)
        factors = [_power(self.text(e, 7), n) for e, n in powers.items()]
        if not factors or coefficient != "1":
            factors.insert(0, coefficient)
        below = "".join(f" / {self.text(d, 7)}" for d in map(divisor, monomial) if d is not None)
        return " * ".join(factors) + below


def _bracketed(text: str, level: int, outer: int) -> str:
    return f"({text})" if outer > level else text


def _order(item: tuple[Monomial, Number | Position]) -> tuple[int, list[str], list[Position]]:
    monomial = item[0]
    return len(monomial), [ex.show(e) for e in monomial], [p for e in monomial for p in e.positions]


def _power(factor: str, exponent: int) -> str:
    """`embed**2`, with the spaces that formatters put."""
    if exponent == 1:
        return factor
    simple = all(part.isidentifier() for part in factor.split("."))
    return f"{factor}**{exponent}" if simple else f"{factor} ** {exponent}"
