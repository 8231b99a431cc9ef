"""Extents multiplied out: sums of products of choices, and of what is no polynomial (a rounded width), with exact coefficients."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache

from tanglec.ir import extents as ex
from tanglec.ir.extents import FALSE, Extent, Position, Scalar
from tanglec.ir.nodes import Term
from tanglec.passes.intervals import Number

Monomial = tuple[Extent, ...]
Polynomial = dict[Monomial, Number]  # whole coefficients as integers: most are, and fractions are slow


@lru_cache(maxsize=50_000)
def polynomial(extent: Extent) -> Polynomial:
    """The extent multiplied out; not to be changed, for who asks again is given the same."""
    if extent.kind == "const":
        value = ex.number(extent.constant)
        return {(): value} if value else {}
    if extent.kind in ("+", "-"):
        left, right = map(polynomial, extent.args)
        return add(left, right, 1 if extent.kind == "+" else -1)
    if extent.kind == "*":
        left, right = map(polynomial, extent.args)
        return multiply(left, right)
    if extent.kind == "/":
        above, below = extent.args
        if below.is_constant:
            return {m: Fraction(c) / ex.number(below.constant) for m, c in polynomial(above).items()}
        if above != ex.const(1):
            return multiply(polynomial(above), {(ex.apply("/", ex.const(1), below),): 1})
    return {(extent,): 1}


def add(a: Polynomial, b: Polynomial, sign: int = 1) -> Polynomial:
    result = defaultdict(int, a)
    for monomial, coefficient in b.items():
        result[monomial] += sign * coefficient
    return {m: c for m, c in result.items() if c}


def accumulate(total: Polynomial, more: Polynomial, times: int = 1) -> Polynomial:
    """Add to a polynomial in its place, in the time that `more` takes: for sums of many."""
    for monomial, coefficient in more.items():
        total[monomial] = total.get(monomial, 0) + coefficient * times
        if not total[monomial]:
            del total[monomial]
    return total


def sums(terms: Iterable[Term]) -> dict[Extent, Polynomial]:
    """The terms added up under each condition."""
    found: dict[Extent, Polynomial] = {}
    for term, times in Counter(terms).items():
        if term.present != FALSE:
            accumulate(found.setdefault(term.present, {}), polynomial(term.value), times)
    return found


def multiply(a: Polynomial, b: Polynomial) -> Polynomial:
    result: Polynomial = defaultdict(int)
    for m, c in a.items():
        for n, d in b.items():
            result[_cancelled((*m, *n))] += c * d
    return {m: c for m, c in result.items() if c}


def substituted(total: Polynomial, assignment: Mapping[Position, Scalar]) -> Polynomial:
    """The polynomial with some positions fixed."""
    result: Polynomial = {}
    for monomial, coefficient in total.items():
        product: Polynomial = {(): coefficient}
        for factor in monomial:
            product = multiply(product, polynomial(fixed(factor, assignment)))
        accumulate(result, product)
    return result


def fixed(extent: Extent, assignment: Mapping[Position, Scalar]) -> Extent:
    """The extent with some positions fixed; of a condition that is decided, the side that is taken."""
    if extent.kind != "where":
        if not extent.args or not any(p in assignment for p in extent.positions):
            return ex.substitute(extent, assignment)
        return ex.apply(extent.kind, *(fixed(a, assignment) for a in extent.args))
    condition, then, otherwise = extent.args
    decided = fixed(condition, assignment)
    if decided.is_constant:
        return fixed(then if decided.constant else otherwise, assignment)
    return ex.apply("where", decided, fixed(then, assignment), fixed(otherwise, assignment))


def _cancelled(monomial: Monomial) -> Monomial:
    """Factors in order, without those that stand above and below the line."""
    if len(monomial) < 2:  # most
        return monomial
    factors = list(monomial)
    for factor in monomial:
        below = divisor(factor)
        if below is not None and below in factors and factor in factors:
            factors.remove(below)
            factors.remove(factor)
    return tuple(sorted(factors, key=ex.show))


def divisor(factor: Extent) -> Extent | None:
    """`x` where the factor is `1 / x`."""
    return factor.args[1] if factor.kind == "/" and factor.args[0] == ex.const(1) else None
