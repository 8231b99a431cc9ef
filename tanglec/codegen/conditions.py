"""`require` as Python: the body of the generated `allowed`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tanglec.codegen.formula import moved, python_text
from tanglec.codegen.naming import field, variable
from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Extent, Position
from tanglec.ir.nodes import Aggregate, Dimension, Requirement, Space

_WRAPS = {
    "sum": "sum({})",
    "count": "sum({})",
    "product": "math.prod({})",
    "min": "min({})",
    "max": "max({})",
}


def condition_texts(space: Space) -> list[str]:
    """One expression over `arch` for each `require` of the file."""
    by_source: dict[object, list[Requirement]] = {}
    for requirement in space.requirements:
        by_source.setdefault(requirement.span, []).append(requirement)
    return [_condition(group, space) for group in by_source.values()]


def _condition(group: Sequence[Requirement], space: Space) -> str:
    first = group[0]
    text = (
        _with_aggregates(moved(first.bare), first, space)
        if len(group) > 1
        else _with_aggregates(first.bare, first, space)
    )
    if len(group) == 1:
        maybe = {p for p, present in space.presence.items() if present != TRUE}
        guards = [f"{python_text(ex.choice(p))} is None" for p in first.bare.positions if p in maybe]
        return f"({' or '.join([*guards, text])})" if guards else text
    dims = list(dict.fromkeys(p.dim for p in first.bare.positions if p.scoped))
    return f"all({text} {_over(dims, space)})"


def _over(dims: Sequence[str], space: Space) -> str:
    """`for a, b in zip(arch.a, arch.b, strict=True) if a is not None and b is not None`."""
    names = [variable(d) for d in dims]
    sources = [_source(space.dimension(d)) for d in dims]
    source = sources[0] if len(dims) == 1 else f"zip({', '.join(sources)}, strict=True)"
    return f"for {', '.join(names)} in {source} if {' and '.join(f'{n} is not None' for n in names)}"


def _source(dim: Dimension) -> str:
    """The choices of a dimension one after the other, whatever their group."""
    return (
        f"chain.from_iterable(arch.{field(dim.name)}.values())"
        if len(dim.groups) > 1
        else f"arch.{field(dim.name)}"
    )


def _with_aggregates(condition: Extent, requirement: Requirement, space: Space) -> str:
    """The text of a condition; the positions that stand for aggregates are written out."""
    names = {p: _aggregate(a, space) for p, a in requirement.aggregates.items()}
    text = python_text(condition)
    for position, written in sorted(names.items(), key=lambda item: -len(item[0].dim)):
        text = text.replace(f"arch.{position.dim}", written)
    return text


def _aggregate(aggregate: Aggregate, space: Space) -> str:
    if aggregate.text in ("params()", "macs()"):
        return f"count_{aggregate.text[:-2]}(arch)"
    positions = sorted(
        {p for t in aggregate.terms for p in t.value.positions} or _present_positions(aggregate, space)
    )
    dims = list(dict.fromkeys(p.dim for p in positions))
    if not all(space.dimension(d).per for d in dims):
        return python_text(aggregate.terms[0].value)
    return _WRAPS[aggregate.kind].format(
        f"{python_text(moved(aggregate.terms[0].value))} {_over(dims, space)}"
    )


def _present_positions(aggregate: Aggregate, space: Space) -> Iterable[Position]:
    """For `count(dim)`, whose terms are all one: the positions of the dimension that the text names."""
    name = aggregate.text.partition("(")[2].rstrip(")").strip()
    return space.dimension(name).positions
