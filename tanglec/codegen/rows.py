"""Parts that are alike except in their constants: one loop over rows, each of places and the constants there."""

from __future__ import annotations

from collections.abc import Sequence

from tanglec.codegen.alike import Column, Filled, Part, constants, varying
from tanglec.codegen.cases import Labels
from tanglec.codegen.layout import INDENT
from tanglec.codegen.places import by_group, span
from tanglec.codegen.plain import position_text
from tanglec.codegen.statements import (
    Loop,
    Statements,
    added,
    indented,
    key,
    label,
    literal,
    number,
    picks,
    placeholder,
    scoped,
    under,
)
from tanglec.record import record


@record()
class _Row:
    """The places of one loop within one group, and the constants that differ between loops."""

    group: str
    indices: list[int]
    cells: list[str]


def rows(write: Statements, loops: Sequence[Loop]) -> list[str]:
    """The statements of loops whose parts have the same shape."""
    part = loops[0][0]
    labels = list(dict.fromkeys(at for p, _ in loops for at, _ in p.cases))
    columns = [constants(p, labels) for p, _ in loops]
    first = varying(columns)
    names = {i: write.column(part.uniform) for i in sorted(set(first.values()))}
    found = [
        _Row(group, indices, [_cell(columns[n][i]) for i in names])
        for n, (_, places) in enumerate(loops)
        for group, indices in by_group(places).items()
    ]
    given = [names[first[i]] if i in first else None for i in range(len(columns[0]))]
    before, body = (
        _uniform(write, part, given) if part.uniform else _looked_up(write, part, labels, given, columns[0])
    )
    return [*before, *_loop(write, found, list(names.values()), scoped(part), body)]


def _loop(
    write: Statements, found: Sequence[_Row], names: list[str], dims: Sequence[str], body: Sequence[str]
) -> list[str]:
    """The rows by place, and the body for each place of a row."""
    groups = {row.group for row in found}
    single = all(len(row.indices) == 1 for row in found)
    where = "i" if single else write.names("span")
    group = [write.names("group")] if len(groups) > 1 else []
    lines = [f"for {', '.join([*group, where, *names])} in ("]
    for row in sorted(found, key=lambda row: (row.group, row.indices)):
        place = str(row.indices[0]) if single else span(row.indices)
        cells = [*(literal(row.group) for _ in group), place, *row.cells]
        lines.append(f"{INDENT}({', '.join(cells)}{',' if len(cells) == 1 else ''}),")
    inner = [*picks(dims, group[0] if group else literal(found[0].group)), *body]
    return [*lines, "):", *indented(inner if single else [f"for i in {where}:", *indented(inner)])]


def _uniform(write: Statements, part: Part, given: Sequence[str | None]) -> tuple[list[str], list[str]]:
    """A polynomial with variables in the place of constants."""
    filled = Filled(None if name is None else placeholder(name) for name in given).terms(part)
    return [], write.counted(write.conditions(part), write.plain(part), filled)


def _looked_up(
    write: Statements,
    part: Part,
    labels: Sequence[Labels],
    given: Sequence[str | None],
    columns: Sequence[Column],
) -> tuple[list[str], list[str]]:
    """Tables as tuples, one number for each of the labels, which stand before the loop."""
    known = write.names("labels")
    at = f"[{known}.index({key(part.labels)})]"
    tables = [name or _cell(column) for name, column in zip(given, columns, strict=True)]
    plain = write.plain(part)
    products = [plain.product(m, table + at) for m, table in zip(part.monomials, tables, strict=True)]
    conditions = [f"{position_text(p)} is not None" for p in part.guards]
    body = under([*conditions, f"{key(part.labels)} in {known}"], added(products))
    return [f"{known} = ({', '.join(map(label, labels))})"], body


def _cell(column: Column) -> str:
    texts = [number(c) for c in column]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"
