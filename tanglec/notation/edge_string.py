"""NAS-Bench-201: `|nor_conv_3x3~0|+|none~0|skip_connect~1|+|…|`, the edges into each node, `+` between the nodes.

Dong, Yang: NAS-Bench-201. ICLR 2020.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tanglec.diagnostics import Sink
from tanglec.ir.extents import Assignment, Position
from tanglec.ir.nodes import Space
from tanglec.notation.cells import Cell, Pair, canonical, cells, covers, kept_edges, read_node
from tanglec.notation.literal import Item
from tanglec.source import Source, Span

_NODE = re.compile(r"[^+]+")
_EDGES = re.compile(r"\s*\|(?:[^|~]+~[^|~]+\|)+\s*")
_EDGE = re.compile(r"([^|~]+)~\s*(\d*)[^|]*")


def read_edge_string(source: Source, space: Space, sink: Sink) -> Item | None:
    """The canonical object of such a string; None where there are errors (TSP0903, TSP0905, TSP0906)."""
    found = cells(space)
    span = Span(source, 0, len(source.text.rstrip()))
    if len(found) != 1:
        title = f"the edges of one kind of cell, but `{space.name}` has {len(found) or 'none'}"
        sink.error("TSP0906", title, span)
        return None
    chosen: dict[Position, Item] = {}
    [cell] = found
    parts = list(_NODE.finditer(source.text))
    for node, part in zip(cell.nodes, parts, strict=False):
        pairs = list(_pairs(source, part, sink))
        place = Span(source, part.start(), len(part[0].rstrip()) + part.start())
        if sink.failed:
            return None
        if len(pairs) != node.count:
            title = f"node {node.number} of `{cell.name}` has {node.count} edges, not {len(pairs)}"
            sink.error("TSP0903" if len(pairs) < node.count else "TSP0905", title, place)
            continue
        chosen |= read_node(node, pairs, cell, sink)
    _check_number(cell, parts, source, sink)
    return None if sink.failed else canonical(space, chosen, span)


def _pairs(source: Source, part: re.Match[str], sink: Sink) -> Iterator[Pair]:
    if not _EDGES.fullmatch(part[0]):
        title = "the edges into a node are of the form `|operation~source|…|`"
        sink.error("TSP0906", title, Span(source, part.start(), part.end()))
        return
    for edge in _EDGE.finditer(source.text, part.start(), part.end()):
        label, number = edge[1].strip(), edge[2]
        place = Span(source, edge.start(2), edge.end())
        yield (
            Item(label, Span(source, edge.start(), edge.end(1))),
            Item(int(number) if len(number) in range(1, 6) else place.text, place),
        )


def _check_number(cell: Cell, parts: list[re.Match[str]], source: Source, sink: Sink) -> None:
    title = f"the cell `{cell.name}` has {len(cell.nodes)} nodes with edges, not {len(parts)}"
    if len(parts) < len(cell.nodes):
        sink.error("TSP0903", title, Span(source, parts[-1].start(), parts[-1].end()), "the last one")
    elif len(parts) > len(cell.nodes):
        extra = parts[len(cell.nodes)]
        sink.error("TSP0905", title, Span(source, extra.start(), extra.end()), "one too many")


def write_edge_string(space: Space, assignment: Assignment) -> str | None:
    """The string of an architecture; None where the space is not one kind of cell with all of its edges."""
    found = cells(space)
    if len(found) != 1 or not covers(found, space) or any(n.keep is not None for n in found[0].nodes):
        return None
    nodes = (kept_edges(node, assignment) for node in found[0].nodes)
    return "+".join(f"|{'|'.join(f'{label}~{source}' for label, source in edges)}|" for edges in nodes)
