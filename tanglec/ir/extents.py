"""Symbolic extents: exact expressions over the choices of dimensions, with finite domains.

Everything that is asked of an extent (is it whole, are two of them equal, which is the largest) is decided by looking at
every joint choice of the positions that it depends on. There is no algebra system; domains are small, and a domain that is
not raises `DomainTooLarge`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from itertools import compress, product
from typing import TypeVar

from tanglec.record import record

T = TypeVar("T")

Scalar = int | Fraction | bool | str
Assignment = Mapping["Position", Scalar]

LARGEST_DOMAIN = 100_000
LARGEST_TABLE = 5_000_000  # evaluations of single operators that a table may take
MOST_PARTS = 10_000
DEEPEST = 200


class TooLarge(Exception):
    """More than can be looked at in reasonable time."""


class ExpressionTooLarge(TooLarge):
    """An expression that was built up, most often by a `repeat`, until nobody can evaluate it."""


class DomainTooLarge(TooLarge):
    """More joint choices than can be enumerated."""

    def __init__(self, positions: Sequence[Position], size: int) -> None:
        super().__init__(f"{_count(size)} joint choices of {len(positions)} positions")
        self.positions, self.size = tuple(positions), size


def _count(number: int) -> str:
    return f"{number:,}" if number < 10**12 else f"about 1e{len(str(number)) - 1}"


class Undefined(Exception):
    """An expression that has no value for some choice, such as a division by zero."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """One place at which an architecture has a choice: number `index` of dimension `dim` (within `group`, if it has groups)."""

    dim: str
    index: int = 0
    group: str = ""
    choices: tuple[Scalar, ...] = field(default=(), repr=False)
    scoped: bool = field(default=False, repr=False)
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.dim, self.index, self.group)))

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        group = f"{self.group}." if self.group else ""
        return f"{self.dim}[{group}{self.index}]" if self.scoped else self.dim


@record()
class Extent:
    """A constant, the choice at a position, or an operation on extents. Build with `const`, `choice` and `apply`."""

    kind: str  # "const", "choice" or the name of an operation in OPERATIONS
    args: tuple[Extent, ...] = ()
    value: Scalar | Position | None = None
    positions: tuple[Position, ...] = field(default=(), compare=False)
    parts: int = field(default=1, compare=False, repr=False)  # operators and operands, written out
    depth: int = field(default=1, compare=False, repr=False)
    _hash: int = field(default=0, compare=False, repr=False)

    def __hash__(self) -> int:
        return self._hash

    def at(self, assignment: Assignment) -> Scalar:
        """The value under an assignment of (at least) its positions."""
        if self.kind == "const":
            return self.value  # type: ignore[return-value]
        if self.kind == "choice":
            return assignment[self.value]  # type: ignore[index]
        operation = OPERATIONS[self.kind]
        if len(self.args) == 2:  # nearly all; a list of two would double the time
            first, second = self.args
            return _whole(operation(first.at(assignment), second.at(assignment)))
        return _whole(operation(*[a.at(assignment) for a in self.args]))

    @property
    def is_constant(self) -> bool:
        return not self.positions

    @property
    def constant(self) -> Scalar:
        """The value of an extent without positions."""
        return self.at({})


def _whole(value: Scalar) -> Scalar:
    # The exact type: asking for an instance of an abstract class costs more than the arithmetic does.
    return value.numerator if type(value) is Fraction and value.denominator == 1 else value


def number(value: Scalar) -> Fraction | int:
    """The value as a number; raises `Undefined` for names and truth values."""
    if isinstance(value, bool | str):
        raise Undefined(f"`{show_scalar(value)}` is not a number")
    return value


def _divide(a: Scalar, b: Scalar) -> Scalar:
    if number(b) == 0:
        raise Undefined("division by zero")
    return Fraction(number(a)) / number(b)


def _floor_divide(a: Scalar, b: Scalar) -> Scalar:
    if number(b) == 0:
        raise Undefined("division by zero")
    return number(a) // number(b)


def _modulo(a: Scalar, b: Scalar) -> Scalar:
    if number(b) == 0:
        raise Undefined("division by zero")
    return number(a) % number(b)


def round_to(value: Scalar, divisor: Scalar) -> Scalar:
    """The field's `make_divisible`: nearest multiple of `divisor`, at least `divisor`, never below 90 % of the value."""
    v, d = Fraction(number(value)), Fraction(number(divisor))
    if d == 0:
        raise Undefined("division by zero")
    rounded = max(d, (v + d / 2) // d * d)
    return rounded + d if rounded < Fraction(9, 10) * v else rounded


OPERATIONS: dict[str, Callable[..., Scalar]] = {
    "+": lambda a, b: number(a) + number(b),
    "-": lambda a, b: number(a) - number(b),
    "*": lambda a, b: number(a) * number(b),
    "/": _divide,
    "//": _floor_divide,
    "%": _modulo,
    "min": lambda *values: min(map(number, values)),
    "max": lambda *values: max(map(number, values)),
    "ceil": lambda a: math.ceil(number(a)),
    "floor": lambda a: math.floor(number(a)),
    "round_to": round_to,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: number(a) < number(b),
    "<=": lambda a, b: number(a) <= number(b),
    ">": lambda a, b: number(a) > number(b),
    ">=": lambda a, b: number(a) >= number(b),
    "and": lambda a, b: bool(a) and bool(b),
    "or": lambda a, b: bool(a) or bool(b),
    "not": lambda a: not a,
    "where": lambda condition, a, b: a if condition else b,
    "keeps": lambda edges, source: str(source) in str(edges).split("+"),
}


@lru_cache(maxsize=20_000, typed=True)
def const(value: Scalar | float) -> Extent:
    """The extent that is this value whatever is chosen."""
    scalar = _whole(Fraction(str(value)) if isinstance(value, float) else value)
    return Extent("const", value=scalar, _hash=hash(("const", type(scalar) is bool, scalar)))


TRUE = const(True)
FALSE = const(False)


def choice(position: Position) -> Extent:
    """The choice at a position; a constant where there is only one."""
    if len(position.choices) == 1:
        return const(position.choices[0])
    return Extent("choice", value=position, positions=(position,), _hash=hash(position))


@lru_cache(maxsize=50_000)
def apply(kind: str, *args: Extent) -> Extent:
    """An operation on extents; constants are folded, and neutral elements dropped.

    Raises:
        Undefined: constants for which the operation has no value.
        ExpressionTooLarge: of more than MOST_PARTS parts, or deeper than DEEPEST.
    """
    if all(a.kind == "const" for a in args):
        return const(_whole(OPERATIONS[kind](*(a.value for a in args))))
    simpler = _simplify(kind, args)
    if simpler is not None:
        return simpler
    positions = union(*args)
    parts, depth = 1 + sum(a.parts for a in args), 1 + max(a.depth for a in args)
    if parts > MOST_PARTS or depth > DEEPEST:
        raise ExpressionTooLarge(f"it has {parts:,} parts" if parts > MOST_PARTS else f"it is {depth} deep")
    return Extent(kind, args, positions=positions, parts=parts, depth=depth, _hash=hash((kind, args)))


def _simplify(kind: str, args: tuple[Extent, ...]) -> Extent | None:
    first, last = args[0], args[-1]
    if kind == "and":
        if first == FALSE or last == FALSE:
            return FALSE
        return last if first == TRUE else first if last == TRUE or first == last else None
    if kind == "or":
        if first == TRUE or last == TRUE:
            return TRUE
        return last if first == FALSE else first if last == FALSE or first == last else None
    if kind == "*" and len(args) == 2:
        for a, b in ((first, last), (last, first)):
            if b.kind == "/" and b.args[1] == a:
                return b.args[0]
    if kind == "/" and first.kind == "*" and last in first.args:
        return first.args[1] if first.args[0] == last else first.args[0]
    if kind in "+*":
        neutral = const(0 if kind == "+" else 1)
        return last if first == neutral else first if last == neutral else None
    if kind in ("-", "/", "//"):
        return first if last == const(0 if kind == "-" else 1) else None
    return None


def either(a: Extent, b: Extent) -> Extent:
    """`a or b`, in the shorter form where one of them covers the other."""
    result = apply("or", a, b)
    if result.kind == "or" and domain_size(result.positions) * result.parts <= LARGEST_DOMAIN:
        for one in (a, b):
            if all(table(one)) or set(one.positions) == set(result.positions) and table(one) == table(result):
                return one
    return result


def any_of(conditions: Sequence[Extent]) -> Extent:
    """Whether at least one holds; built in halves, so that many do not make a deep expression."""
    if len(conditions) <= 2:
        return either(conditions[0], conditions[-1])
    middle = len(conditions) // 2
    return either(any_of(conditions[:middle]), any_of(conditions[middle:]))


def total(extents: Iterable[Extent]) -> Extent:
    result = const(0)
    for extent in extents:
        result = apply("+", result, extent)
    return result


def product_of(extents: Iterable[Extent]) -> Extent:
    result = const(1)
    for extent in extents:
        result = apply("*", result, extent)
    return result


def union(*extents: Extent) -> tuple[Position, ...]:
    """The positions that any of the extents depends on, sorted."""
    found = {e.positions for e in extents if e.positions}
    if len(found) < 2:  # nearly always
        return found.pop() if found else ()
    return tuple(sorted({p for positions in found for p in positions}))


def domain_size(positions: Iterable[Position]) -> int:
    return math.prod(len(p.choices) for p in positions)


def assignments(
    positions: Sequence[Position], limit: int = LARGEST_DOMAIN
) -> Iterator[dict[Position, Scalar]]:
    """Every joint choice of the positions, the first position slowest."""
    _check_domain(positions, limit)
    for values in product(*(p.choices for p in positions)):
        yield dict(zip(positions, values, strict=True))


def _check_domain(positions: Sequence[Position], limit: int) -> None:
    size = domain_size(positions)
    if size > limit:
        raise DomainTooLarge(positions, size)


@lru_cache(maxsize=50_000)
def table(extent: Extent) -> tuple[Scalar, ...]:
    """Its value for every joint choice of its positions, in the order of `assignments`. Raises `TooLarge`."""
    _check_work(extent.positions, extent.parts)
    _check_domain(extent.positions, LARGEST_DOMAIN)
    return _values(extent)


@lru_cache(maxsize=50_000)
def _values(extent: Extent) -> tuple[Scalar, ...]:
    """A table from those of its operands, so that each is evaluated over its own positions only."""
    if extent.kind == "const":
        return (extent.value,)  # type: ignore[return-value]
    if extent.kind == "choice":
        return extent.positions[0].choices
    columns = []
    for operand in extent.args:  # no comprehension: expressions are deep, and each level has frames enough
        columns.append(spread(_values(operand), operand.positions, extent.positions))
    return tuple(map(_whole, map(OPERATIONS[extent.kind], *columns)))


def spread(values: Sequence[T], few: Sequence[Position], many: Sequence[Position]) -> Sequence[T]:
    """A table over few positions as one over many, of which they are some."""
    return values if few == many else [values[i] for i in _places(few, many)]


def _places(few: Sequence[Position], many: Sequence[Position]) -> list[int]:
    """Where a table over few positions has the entry of each joint choice of many."""
    steps = {p: domain_size(few[k + 1 :]) for k, p in enumerate(few)}
    places = [0]
    for position in many:
        offsets = [steps.get(position, 0) * i for i in range(len(position.choices))]
        places = [place + offset for place in places for offset in offsets]
    return places


def _check_work(positions: Sequence[Position], parts: int) -> None:
    size = domain_size(positions)
    if size * parts > LARGEST_TABLE:
        raise DomainTooLarge(positions, size)


@lru_cache(maxsize=50_000)
def largest(extent: Extent) -> int | Fraction:
    return max(map(number, table(extent)))


def is_whole(value: Scalar) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@lru_cache(maxsize=50_000)
def _failing(
    condition: Extent, assuming: Extent
) -> tuple[tuple[Position, ...], tuple[tuple[Scalar, ...], ...]]:
    """Positions, and the joint choices of them that fail."""
    seen = set(condition.positions)  # what is assumed of others cannot rule anything out
    positions = union(condition, *(c for c in conjuncts(assuming) if seen.intersection(c.positions)))
    _check_work(positions, condition.parts)
    _check_domain(positions, LARGEST_DOMAIN)
    known = set(positions)
    assumed = [c for c in conjuncts(assuming) if known.issuperset(c.positions)]
    try:
        columns = [spread(_values(e), e.positions, positions) for e in (*assumed, condition)]
    except Undefined:  # perhaps only where the assumption does not hold
        found = (a for a in assignments(positions) if all(c.at(a) for c in assumed) and not condition.at(a))
        return positions, tuple(tuple(a.values()) for a in found)
    fails = (all(holds) and not value for *holds, value in zip(*columns, strict=True))
    return positions, tuple(compress(product(*(p.choices for p in positions)), fails))


def failures(condition: Extent, assuming: Extent = TRUE) -> tuple[dict[Position, Scalar], ...]:
    """All joint choices under which the assumption holds and the condition does not."""
    positions, rows = ((), ()) if condition == TRUE else _failing(condition, assuming)
    return tuple(dict(zip(positions, row, strict=True)) for row in rows)


def always(condition: Extent, assuming: Extent = TRUE) -> bool:
    """Whether the condition holds wherever the assumption does."""
    return condition == TRUE or not _failing(condition, assuming)[1]


@lru_cache(maxsize=50_000)
def conjuncts(condition: Extent) -> tuple[Extent, ...]:
    """The operands of a conjunction, none for what always holds."""
    if condition.kind == "and":
        first, second = condition.args
        return conjuncts(first) + conjuncts(second)
    return () if condition == TRUE else (condition,)


def equal(a: Extent, b: Extent, assuming: Extent = TRUE) -> bool:
    """Whether the two agree for every joint choice that meets the assumption."""
    return a == b or always(apply("==", a, b), assuming)


def show_scalar(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Fraction) and value.denominator != 1:
        decimal = float(value)
        return repr(decimal) if Fraction(repr(decimal)) == value else f"{value.numerator}/{value.denominator}"
    return str(value)


def plain_scalar(value: Scalar) -> int | float | bool | str:
    """A choice as JSON has it."""
    return float(value) if isinstance(value, Fraction) else value


def show_assignment(assignment: Assignment) -> str:
    return ", ".join(f"{p}={show_scalar(v)}" for p, v in assignment.items())


# How strongly operators bind, in the language as in Python.
PRECEDENCE = {
    "or": 1,
    "and": 2,
    "==": 4,
    "!=": 4,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "//": 6,
    "%": 6,
}


@lru_cache(maxsize=50_000)
def show(extent: Extent, outer: int = 0) -> str:
    """In the language's own notation; the index of a position is left out, as in the user's text."""
    if extent.kind == "const":
        return show_scalar(extent.constant)
    if extent.kind == "choice":
        return extent.positions[0].dim
    if extent.kind == "where":
        text = f"{show(extent.args[1], 1)} if {show(extent.args[0], 1)} else {show(extent.args[2])}"
        return f"({text})" if outer else text
    if extent.kind == "not":
        return f"not {show(extent.args[0], 3)}"
    level = PRECEDENCE.get(extent.kind)
    if level is None:
        return f"{extent.kind}({', '.join(show(a) for a in extent.args)})"
    left, right = extent.args
    text = f"{show(left, level)} {extent.kind} {show(right, level + 1)}"
    return f"({text})" if outer > level else text


def substitute(extent: Extent, assignment: Assignment) -> Extent:
    """The extent with some positions fixed, folded."""
    if not any(p in assignment for p in extent.positions):
        return extent
    if extent.kind == "choice":
        return const(assignment[extent.value])  # type: ignore[index]
    return apply(extent.kind, *(substitute(a, assignment) for a in extent.args))
