"""The items of a module list as one expression in the number of the iteration."""

from __future__ import annotations

from collections.abc import Sequence

from tanglec.codegen.expressions import ATOM, Text, combine, functions_in, ordered_arguments
from tanglec.codegen.generalise import Generaliser, Values
from tanglec.codegen.naming import constant_name
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Constructor
from tanglec.ir.types import Axis


def comprehension(makes: Sequence[Sequence[Constructor]], general: Generaliser) -> str | None:
    """`Layer(HEADS[i], RATIO[i])`, from what makes the items in every instance of a class; None if no rule fits."""
    first = makes[0][0]
    count = range(len(makes[0]))
    slots = [("", [tuple(row[i].args[j] for row in makes) for i in count]) for j in range(len(first.args))]
    slots += [
        (f"{name}=", [tuple(row[i].options[j][1] for row in makes) for i in count])
        for j, (name, _) in enumerate(first.options)
    ]
    known = len(general.parameters)
    texts = []
    for prefix, values in slots:
        text = _by_index(values, general)
        if text is None:
            del general.parameters[known:]
            return None
        texts.append(prefix + text[0])
    return f"{first.name}({', '.join(texts)})"


def _by_index(values: Sequence[Values], general: Generaliser) -> Text | None:
    """The text of a slot in iteration `i`, from its values in every iteration and instance."""
    if all(v == values[0] for v in values):
        return general(values[0], "width"), ATOM
    if all(isinstance(x, Axis) and len(x.segments) == 1 for v in values for x in v):
        return _by_index([tuple(x.segments[0] for x in v) for v in values], general)  # type: ignore[union-attr]
    if not all(isinstance(x, Extent) for v in values for x in v):
        return None
    extents: list[list[Extent]] = [list(v) for v in values]  # type: ignore[arg-type]
    first = extents[0][0]
    if all(x.kind == "choice" for row in extents for x in row):
        return _indexed(extents)
    alike = all(x.kind == first.kind and len(x.args) == len(first.args) for row in extents for x in row)
    return _combined(extents, general) if alike and first.args else None


def _combined(extents: list[list[Extent]], general: Generaliser) -> Text | None:
    """One operation in every iteration: its operands by the same rules."""
    first = extents[0][0]
    parts = []
    for j in range(len(first.args)):
        part = _by_index([tuple(ordered_arguments(x)[j] for x in row) for row in extents], general)
        if part is None:
            return None
        parts.append(part)
    general.functions |= functions_in(Extent(first.kind))
    return combine(first.kind, parts)


def _indexed(extents: Sequence[Sequence[Extent]]) -> Text | None:
    """`HEADS[i + 3]`, where the positions of a dimension follow one another."""
    places = [(x.positions[0], i) for i, row in enumerate(extents) for x in row]
    bases = {(p.dim, p.group, p.index - i) for p, i in places}
    if len(bases) != 1 or not places[0][0].scoped:
        return None
    dim, group, base = bases.pop()
    index = "i" if base == 0 else f"i {'+' if base > 0 else '-'} {abs(base)}"
    inside = f'"{group}", {index}' if group else index
    return f"{constant_name(dim)}[{inside}]", ATOM
