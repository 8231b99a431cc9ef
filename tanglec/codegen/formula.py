"""Costs as closed formulas: the statements of `count_params` and `count_macs`.

Layers that are alike become one loop; what depends on labels, a table of the coefficients of each label; and layers that
are alike except in their constants, one loop over rows of these.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from fractions import Fraction

from tanglec.codegen.alike import Part, shape
from tanglec.codegen.cases import parts
from tanglec.codegen.plain import Plain
from tanglec.codegen.polynomial import Polynomial, accumulate, divisor
from tanglec.codegen.rows import rows
from tanglec.codegen.statements import Loop, Statements
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Space, Term
from tanglec.record import record

LEAST_ROWS = 3  # from so many on, loops that differ in constants become rows; those over tables from two on


@record()
class Formula:
    """The statements of a function that gives a cost, and whether Python computes it in whole numbers."""

    body: tuple[str, ...]
    whole: bool


def formula(terms: Iterable[Term], space: Space) -> Formula:
    """The statements that add the terms up into `total`. Not rounded: a `require` may rule out what is not whole."""
    write = Statements(space)
    lines: list[str] = []
    base: Polynomial = {}
    alone, loops = _arranged(Part.of(key, cases, key.place) for key, cases in parts(terms, space).items())
    for part in alone:
        if part.uniform and part.complete and not write.conditions(part):
            accumulate(base, dict(part.terms))
        else:
            lines += write.alone(part)
    for group in loops:
        lines += write.loop(*group[0]) if len(group) == 1 else rows(write, group)
    whole = _whole(space, [dict(t) for p in (*alone, *(p for g in loops for p, _ in g)) for _, t in p.cases])
    before, shorter = write.named(Plain(), tuple(base.items()))
    text = Plain().polynomial(shorter)
    head = f"total = {text}" if whole else f"total: float = {text}"
    return Formula((*before, head, *lines, "return total"), whole)


def _arranged(found: Iterable[Part]) -> tuple[list[Part], list[list[Loop]]]:
    """Parts that stand alone, and loops: by themselves, or with those that become rows with them."""
    alone: list[Part] = []
    loops: dict[Part, list[Part]] = {}
    for part in found:
        if part.place is None:
            alone.append(part)
        else:
            loops.setdefault(part.moved(), []).append(part)
    shapes: dict[Hashable, list[Part]] = {}
    for moved in loops:
        shapes.setdefault(shape(moved), []).append(moved)
    groups: list[list[Loop]] = []
    for alike in shapes.values():
        places = [(p, [at.place for at in loops[p] if at.place is not None]) for p in alike]
        if len(alike) >= (LEAST_ROWS if alike[0].uniform else 2):
            groups.append(places)
            continue
        groups += [[loop] for loop in places if len(loop[1]) > 1]
        alone += [loops[p][0] for p in alike if len(loops[p]) == 1]
    return alone, groups


def _whole(space: Space, totals: Iterable[Polynomial]) -> bool:
    """Whether Python computes the polynomials in whole numbers."""
    fractional = {
        d.name for d in space.dimensions for p in d.positions for c in p.choices if isinstance(c, Fraction)
    }
    return all(
        c.denominator == 1 and all(divisor(e) is None and _is_whole(e, fractional) for e in m)
        for total in totals
        for m, c in total.items()
    )


def _is_whole(extent: Extent, fractional: set[str]) -> bool:
    match extent.kind:
        case "const":
            return not isinstance(extent.constant, Fraction)
        case "choice":
            return extent.positions[0].dim not in fractional
        case "/":
            return False
        case "ceil" | "floor" | "round_to":
            return True
        case "where":
            return all(_is_whole(a, fractional) for a in extent.args[1:])
    return all(_is_whole(a, fractional) for a in extent.args)
