"""Loops over positions: the choices at some places of a dimension as Python."""

from __future__ import annotations

from collections.abc import Sequence

from tanglec.codegen.naming import field
from tanglec.ir.nodes import Dimension

Place = tuple[str, int]  # group and index


def by_group(places: Sequence[Place]) -> dict[str, list[int]]:
    """Indices in order, for each group."""
    result: dict[str, list[int]] = {}
    for group, index in sorted(places):
        result.setdefault(group, []).append(index)
    return result


def span(indices: Sequence[int]) -> str:
    """`range(4)`, `range(2, 5)` or `(0, 2, 3)`."""
    first, last = indices[0], indices[-1]
    if list(indices) == list(range(first, last + 1)) and len(indices) > 1:
        return f"range({first}, {last + 1})" if first else f"range({last + 1})"
    return f"({', '.join(map(str, indices))}{',' if len(indices) == 1 else ''})"


def source(dim: Dimension, places: Sequence[Place]) -> str:
    """The choices of a dimension at some places: `arch.heads`, `arch.op["normal"][2:]`, or several such in one tuple."""
    pieces = [_of_group(dim, group, indices) for group, indices in by_group(places).items()]
    return pieces[0] if len(pieces) == 1 else f"({', '.join(f'*{p}' for p in pieces)})"


def _of_group(dim: Dimension, group: str, indices: Sequence[int]) -> str:
    name = f"arch.{field(dim.name)}" + (f'["{group}"]' if group else "")
    count = sum(p.group == group for p in dim.positions)
    first, last = indices[0], indices[-1]
    if len(indices) == count:
        return name
    if list(indices) == list(range(first, last + 1)):
        return f"{name}[{first or ''}:{'' if last == count - 1 else last + 1}]"
    return f"({name}[i] for i in {span(indices)})"
