"""Costs as closed formulas: sums of terms as Python over the choices of an `Arch`.

Every term is multiplied out to a polynomial over choices (and what is no polynomial, such as a rounded width). Terms under
the same condition are added up; those of layers that are alike become one loop.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from tanglec.codegen.expressions import number_text
from tanglec.codegen.naming import field, variable
from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Extent, Position
from tanglec.ir.nodes import Space, Term

Monomial = tuple[Extent, ...]
Polynomial = dict[Monomial, Fraction]

ANY = -1  # the index of "the position of this layer" in a loop


def polynomial(extent: Extent) -> Polynomial:
    """The extent multiplied out."""
    if extent.kind == "const":
        return {(): Fraction(ex.number(extent.constant))}
    if extent.kind in ("+", "-"):
        left, right = map(polynomial, extent.args)
        return _add(left, right, 1 if extent.kind == "+" else -1)
    if extent.kind == "*":
        left, right = map(polynomial, extent.args)
        return _multiply(left, right)
    if extent.kind == "/":
        above, below = extent.args
        if below.is_constant:
            return {m: c / ex.number(below.constant) for m, c in polynomial(above).items()}
        if above != ex.const(1):
            return _multiply(polynomial(above), {(ex.apply("/", ex.const(1), below),): Fraction(1)})
    return {(extent,): Fraction(1)}


def _add(a: Polynomial, b: Polynomial, sign: int) -> Polynomial:
    result = defaultdict(Fraction, a)
    for monomial, coefficient in b.items():
        result[monomial] += sign * coefficient
    return {m: c for m, c in result.items() if c}


def _multiply(a: Polynomial, b: Polynomial) -> Polynomial:
    result: Polynomial = defaultdict(Fraction)
    for m, c in a.items():
        for n, d in b.items():
            result[_cancelled((*m, *n))] += c * d
    return {m: c for m, c in result.items() if c}


def _cancelled(monomial: Monomial) -> Monomial:
    """Factors in order, without those that stand above and below the line."""
    factors = list(monomial)
    for factor in monomial:
        below = _divisor(factor)
        if below is not None and below in factors and factor in factors:
            factors.remove(below)
            factors.remove(factor)
    return tuple(sorted(factors, key=ex.show))


def _divisor(factor: Extent) -> Extent | None:
    """`x` where the factor is `1 / x`."""
    return factor.args[1] if factor.kind == "/" and factor.args[0] == ex.const(1) else None


@dataclass(frozen=True, slots=True)
class Part:
    """A polynomial that counts under a condition, `indices` being the layers of a loop (empty if there is none)."""

    condition: Extent  # TRUE where being present is all
    polynomial: tuple[tuple[Monomial, Fraction], ...]
    indices: tuple[int, ...] = ()


def parts(terms: Iterable[Term], presence: dict[Position, Extent]) -> list[Part]:
    """Terms with one condition together, and alike layers as loops; in order of appearance."""
    sums: dict[Extent, Polynomial] = {}
    for term in terms:
        sums[term.present] = _add(sums.get(term.present, {}), polynomial(term.value), 1)
    alone: dict[Extent, Polynomial] = {}
    loops: dict[tuple[tuple[Monomial, Fraction], ...], list[int]] = {}
    written: dict[tuple[tuple[Monomial, Fraction], ...], Polynomial] = {}
    for condition, total in sums.items():
        for index, group in _by_layer(total, condition, presence):
            unconditional = _follows(condition, group, presence)
            if index is None or not unconditional:
                left = condition if ex.failures(condition) else TRUE
                alone[left] = _add(alone.get(left, {}), group, 1)
            else:
                key = tuple(_anywhere(group).items())
                loops.setdefault(key, []).append(index)
                written[key] = group
    conditional = [Part(condition, tuple(total.items())) for condition, total in alone.items()]
    layers = [
        Part(TRUE, key, tuple(indices)) if len(indices) > 1 else Part(TRUE, tuple(written[key].items()))
        for key, indices in loops.items()
    ]
    return [*conditional, *layers]


def _by_layer(
    total: Polynomial, condition: Extent, presence: dict[Position, Extent]
) -> Iterator[tuple[int | None, Polynomial]]:
    """Monomials with scoped choices of one index apart from the others, which join a layer that is there with them."""
    groups: dict[int | None, Polynomial] = {}
    for monomial, coefficient in total.items():
        scoped = {p.index for m in monomial for p in m.positions if p.scoped}
        grouped = any(p.group for m in monomial for p in m.positions)
        index = scoped.pop() if len(scoped) == 1 and not grouped else None
        groups.setdefault(index, {})[monomial] = coefficient
    layers = [i for i in groups if i is not None]
    if (
        condition != TRUE
        and None in groups
        and len(layers) == 1
        and _follows(condition, groups[layers[0]], presence)
    ):
        groups[layers[0]] |= groups.pop(None)
    yield from groups.items()


def _follows(condition: Extent, total: Polynomial, presence: dict[Position, Extent]) -> bool:
    """Whether the condition is just that the choices in the polynomial are there."""
    positions = {p for m in total for e in m for p in e.positions}
    return condition == TRUE or any(presence[p] == condition for p in positions) or not ex.failures(condition)


def _anywhere(total: Polynomial) -> Polynomial:
    return {tuple(moved(e) for e in monomial): c for monomial, c in total.items()}


def moved(extent: Extent) -> Extent:
    """The extent with its scoped positions at index `ANY`."""
    if extent.kind == "choice":
        position = extent.positions[0]
        return ex.choice(replace(position, index=ANY)) if position.scoped else extent
    return extent if not extent.args else ex.apply(extent.kind, *map(moved, extent.args))


# --- as Python -------------------------------------------------------------------------------------------------------


def function_body(terms: Iterable[Term], space: Space) -> list[str]:
    """The statements that add the terms up into `total`."""
    presence = space.presence
    maybe = {p for p, c in presence.items() if c != TRUE}
    optional = {p.dim for p in maybe}
    lines: list[str] = []
    start = ["0"]
    for part in parts(terms, presence):
        text = polynomial_text(part.polynomial)
        needed = sorted(
            {p for m, _ in part.polynomial for e in m for p in e.positions} | set(part.condition.positions)
        )
        if part.indices:
            lines += _loop(part, text, needed, space, optional)
        elif part.condition == TRUE and not any(p in maybe for p in needed):
            start = [text] if start == ["0"] else [*start, text]
        else:
            guards = [f"{_name(p)} is not None" for p in needed if p.dim in optional]
            condition = [] if part.condition == TRUE else [python_text(part.condition)]
            lines += [f"if {' and '.join([*guards, *condition])}:", f"    total += {text}"]
    whole = not any(isinstance(c, Fraction) for d in space.dimensions for p in d.positions for c in p.choices)
    whole = whole and not any("." in line.replace("arch.", "") or "/" in line for line in [*start, *lines])
    head = f"total = {' + '.join(start)}" if whole else f"total: float = {' + '.join(start)}"
    return [head, *lines, "return total" if whole else "return round(total)"]


def _loop(part: Part, text: str, needed: list[Position], space: Space, optional: set[str]) -> list[str]:
    dims = list(dict.fromkeys(p.dim for p in needed if p.scoped))
    names = [variable(d) for d in dims]
    first, last = part.indices[0], part.indices[-1]
    guards = [f"{n} is not None" for n, d in zip(names, dims, strict=True) if d in optional]
    body = [f"    total += {text}"]
    if guards:
        body = [f"    if {' and '.join(guards)}:", f"        total += {text}"]
    if part.indices == tuple(range(first, last + 1)):
        sources = [_sliced(d, first, last, len(space.dimension(d).positions)) for d in dims]
        head = (
            f"for {names[0]} in {sources[0]}:"
            if len(dims) == 1
            else f"for {', '.join(names)} in zip({', '.join(sources)}, strict=True):"
        )
        return [head, *body]
    picks = [f"    {n} = arch.{field(d)}[i]" for n, d in zip(names, dims, strict=True)]
    return [f"for i in {part.indices}:", *picks, *body]


def _sliced(dim: str, first: int, last: int, count: int) -> str:
    if (first, last) == (0, count - 1):
        return f"arch.{field(dim)}"
    return f"arch.{field(dim)}[{first or ''}:{'' if last == count - 1 else last + 1}]"


def _name(position: Position) -> str:
    if position.scoped and position.index != ANY:
        return (
            f'arch.{field(position.dim)}["{position.group}"][{position.index}]'
            if position.group
            else f"arch.{field(position.dim)}[{position.index}]"
        )
    return variable(position.dim) if position.scoped else f"arch.{field(position.dim)}"


def polynomial_text(total: Iterable[tuple[Monomial, Fraction]]) -> str:
    pieces = []
    for monomial, coefficient in sorted(
        total, key=lambda item: (len(item[0]), [ex.show(e) for e in item[0]])
    ):
        powers = Counter(e for e in monomial if _divisor(e) is None)
        factors = [_power(python_text(e, 7), n) for e, n in powers.items()]
        if not factors or abs(coefficient) != 1:
            factors.insert(0, number_text(ex.const(abs(coefficient)).constant))
        below = "".join(f" / {python_text(d, 7)}" for d in map(_divisor, monomial) if d is not None)
        pieces.append(("- " if coefficient < 0 else "+ ") + " * ".join(factors) + below)
    text = " ".join(pieces)
    return text.removeprefix("+ ") if text else "0"


def _power(factor: str, exponent: int) -> str:
    """`embed**2`, with the spaces that formatters put."""
    if exponent == 1:
        return factor
    simple = all(part.isidentifier() for part in factor.split("."))
    return f"{factor}**{exponent}" if simple else f"{factor} ** {exponent}"


def python_text(extent: Extent, outer: int = 0) -> str:
    """An extent over the choices of `arch`, in plain Python numbers."""
    if extent.kind == "const":
        return number_text(extent.constant)
    if extent.kind == "choice":
        return _name(extent.positions[0])
    if extent.kind == "where":
        condition, then, otherwise = extent.args
        return f"({python_text(then, 1)} if {python_text(condition, 1)} else {python_text(otherwise, 1)})"
    if extent.kind == "not":
        return f"(not {python_text(extent.args[0], 8)})"
    level = ex.PRECEDENCE.get(extent.kind)
    if level is None:
        name = {"ceil": "math.ceil", "floor": "math.floor", "round_to": "divisible"}.get(
            extent.kind, extent.kind
        )
        return f"{name}({', '.join(python_text(a) for a in extent.args)})"
    text = f"{python_text(extent.args[0], level)} {extent.kind} {python_text(extent.args[1], level + 1)}"
    return f"({text})" if outer > level else text
