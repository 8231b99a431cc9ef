"""Refuses a space that no architecture meets: a proof, or nothing is said.

Conditions on choices are counted exactly. Conditions on aggregates are too where few distinct sums occur, and are otherwise
refuted by the bounds of their aggregates; what neither decides is left to the sampler.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from tanglec.diagnostics import Label, Sink
from tanglec.ir import extents as ex
from tanglec.ir.nodes import Aggregate, Requirement, Space
from tanglec.passes.intervals import Interval, interval

MOST_STATES = 500


def refuse_unsatisfiable(space: Space, sink: Sink, lowering: str) -> Space:
    """An error where it is certain that every architecture breaks a `require`."""
    if not space.requirements:
        return space
    if number := _count(space, space.requirements):
        return replace(space, architectures=number)  # nearly always: what all allow, each allows
    by_text = [list(same) for _, same in groupby(space.requirements, key=lambda r: r.span)]
    blamed = next((rs for rs in by_text if _impossible(space, rs)), None)
    if blamed is not None:
        title = "no architecture meets this `require`"
        sink.error("TSP0403", title, blamed[0].span, notes=_bounds(space, blamed[0]))
    elif len(by_text) > 1 and _impossible(space, space.requirements):
        labels = [Label(rs[0].span, "and this") for rs in by_text[1:]]
        title = "no architecture meets all of these `require`s"
        sink.error("TSP0403", title, by_text[0][0].span, "this", labels=labels)
    return space


def _impossible(space: Space, requirements: Sequence[Requirement]) -> bool:
    if any(r.aggregates and _refuted(space, r) for r in requirements):
        return True
    return _count(space, requirements) == 0


def _count(space: Space, requirements: Sequence[Requirement]) -> int | None:
    from tanglec.passes.count import exact_count  # loaded only for spaces that have a `require`

    return exact_count(space, requirements, MOST_STATES)


def _refuted(space: Space, requirement: Requirement) -> bool:
    known = {p: _interval(space, a) for p, a in requirement.aggregates.items()}
    return not interval(requirement.condition, known)[1]


def _interval(space: Space, aggregate: Aggregate) -> Interval:
    """What an aggregate can be over all architectures."""
    from tanglec.passes.extremes import cost_range

    if aggregate.kind in ("sum", "count"):
        return cost_range(space, aggregate.terms)
    parts = [interval(t.value) for t in aggregate.terms]
    always = [interval(t.value) for t in aggregate.terms if t.present == ex.TRUE]
    if aggregate.kind == "max" and always:
        return max(low for low, _ in always), max(high for _, high in parts)
    if aggregate.kind == "min" and always:
        return min(low for low, _ in parts), min(high for _, high in always)
    return -(10**60), 10**60


def _bounds(space: Space, requirement: Requirement) -> list[str]:
    """`params() lies between 5,717,416 and 8,612,344`."""
    notes = []
    for aggregate in requirement.aggregates.values():
        low, high = _interval(space, aggregate)
        if -(10**30) < low and high < 10**30:
            notes.append(f"`{aggregate.text}` lies between {_shown(low)} and {_shown(high)}")
    return notes


def _shown(number: ex.Scalar) -> str:
    return f"{number:,}" if isinstance(number, int) else ex.show_scalar(number)
