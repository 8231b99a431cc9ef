"""`require` as Python: the body of the generated `allowed`. A condition on what is absent holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tanglec.codegen.cases import optional_dimensions
from tanglec.codegen.naming import field, variable
from tanglec.codegen.plain import Plain, moved, position_text
from tanglec.ir.extents import Position, conjuncts
from tanglec.ir.nodes import Aggregate, Dimension, Requirement, Space
from tanglec.record import record

_FUNCTIONS = {"sum": "sum", "count": "sum", "product": "math.prod", "min": "min", "max": "max"}
_OF_NONE = {"sum": "0", "count": "0", "product": "1", "min": "math.inf", "max": "-math.inf"}


def condition_texts(space: Space) -> list[str]:
    """Expressions over `arch`: one for each `require` of the file, or for each part that it joins by `and`."""
    by_source: dict[object, list[Requirement]] = {}
    for requirement in space.requirements:
        by_source.setdefault(requirement.span, []).append(requirement)
    writer = _Writer(space, optional_dimensions(space))
    return [text for group in by_source.values() for text in writer.conditions(group)]


@record()
class _Writer:
    space: Space
    optional: frozenset[str]

    def conditions(self, group: Sequence[Requirement]) -> list[str]:
        """The parts of one `require`."""
        if len(group) > 1:
            return [self.condition(group)]
        parts = conjuncts(group[0].bare)
        return [self.condition([replace(group[0], bare=part)]) for part in parts]

    def condition(self, group: Sequence[Requirement]) -> str:
        """One `require`, at one place or at every position."""
        first = group[0]
        written = {p: self._aggregate(a) for p, a in first.aggregates.items()}
        plain = Plain(leaf=lambda p: written[p] if p in written else position_text(p))
        positions = [p for p in first.bare.positions if p not in written]
        if len(group) > 1:
            runs = [self.space.dimension(name).positions for name in dict.fromkeys(p.dim for p in positions)]
            return f"all({plain.condition(moved(first.bare))} {self._over(runs)})"
        absent = [f"{position_text(p)} is None" for p in positions if p.dim in self.optional]
        return " or ".join([*absent, plain.condition(first.bare, 1 if absent else 0)])

    def _over(self, runs: Sequence[Sequence[Position]]) -> str:
        """`for a, b in zip(arch.a, arch.b[1:3], strict=True) if a is not None`, over the positions that have all of them."""
        dims = [self.space.dimension(run[0].dim) for run in runs]
        scoped = [d for d in dims if d.per]
        sources = [_source(d, run) for d, run in zip(dims, runs, strict=True) if d.per]
        source = sources[0] if len(scoped) == 1 else f"zip({', '.join(sources)}, strict=True)"
        guards = [f"{_one(d)} is not None" for d in dims if d.name in self.optional]
        return f"for {', '.join(map(_one, scoped))} in {source}" + (
            f" if {' and '.join(guards)}" if guards else ""
        )

    def _aggregate(self, aggregate: Aggregate) -> str:
        """A function of the values at all positions, or the value of the whole network's choice."""
        if aggregate.text in ("params()", "macs()"):
            return f"count_{aggregate.text[:-2]}(arch)"
        names = [run[0].dim for run in aggregate.over]
        dims = list(map(self.space.dimension, names))
        value, nothing = aggregate.terms[0].value, _OF_NONE[aggregate.kind]
        if not any(d.per for d in dims):
            guards = [f"{_one(d)} is not None" for d in dims if d.name in self.optional]
            text = Plain().text(value, 1)
            return f"({text} if {' and '.join(guards)} else {nothing})" if guards else f"({text})"
        values = f"{Plain().text(moved(value))} {self._over(aggregate.over)}"
        if aggregate.kind in ("min", "max") and any(n in self.optional for n in names):
            values = f"({values}), default={nothing}"
        return f"{_FUNCTIONS[aggregate.kind]}({values})"


def _one(dim: Dimension) -> str:
    """The choice at one position of a loop, or that of the whole network."""
    return variable(dim.name) if dim.per else f"arch.{field(dim.name)}"


def _source(dim: Dimension, run: Sequence[Position]) -> str:
    """The choices at a run of a dimension's positions one after the other, whatever their group."""
    name = f"arch.{field(dim.name)}"
    if dim.grouped:
        return f"chain.from_iterable({name}.values())"
    start, last = run[0].index, run[-1].index + 1 == len(dim.positions)
    whole = start == 0 and last
    return name if whole else f"{name}[{start or ''}:{'' if last else run[-1].index + 1}]"
