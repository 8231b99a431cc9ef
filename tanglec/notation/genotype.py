"""DARTS: `Genotype(normal=[('sep_conv_3x3', 0), …], normal_concat=range(2, 6), reduce=[…], reduce_concat=…)`.

One pair of operation and source for each edge, node after node (Liu et al.: DARTS. ICLR 2019). A space with one kind of
cell has one list and `concat`, as the recurrent cells of that paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tanglec.diagnostics import Sink
from tanglec.ir.extents import Assignment, Position
from tanglec.ir.nodes import Space
from tanglec.notation.cells import Cell, Pair, canonical, cells, covers, kept_edges, read_node
from tanglec.notation.literal import Item
from tanglec.spelling import closest

CONCAT = "concat"


def is_genotype(root: Item, found: Sequence[Cell]) -> bool:
    """Whether an object has the form of a genotype, or lists for cells."""
    keys = [key for key, _ in root.keys]
    named = {cell.name for cell in found} & set(keys)
    return root.call == "Genotype" or bool(named) or any(key.endswith(CONCAT) for key in keys)


def read_genotype(root: Item, space: Space, sink: Sink) -> Item | None:
    """The canonical object of a genotype; None where there are errors (TSP0903 to TSP0906)."""
    found = cells(space)
    if not found:
        title = f"a genotype, but `{space.name}` has no cells with a choice of operation on every edge"
        sink.error("TSP0906", title, root.span, f"wanted are {', '.join(d.name for d in space.dimensions)}")
        return None
    given = _by_cell(root, found, sink)
    chosen: dict[Position, Item] = {}
    for cell in found:
        for part, item in given.get(cell.name, ()):
            if part == CONCAT:
                _check_result(cell, item, sink)
            else:
                chosen |= _read_cell(cell, item, sink)
    return None if sink.failed else canonical(space, chosen, root.span)


def _by_cell(root: Item, found: Sequence[Cell], sink: Sink) -> dict[str, list[tuple[str, Item]]]:
    """What is said of every cell, its edges and its result; with one kind of cell, its list may go by any name."""
    assert isinstance(root.value, dict)
    result: dict[str, list[tuple[str, Item]]] = {}
    names = [cell.name for cell in found]
    seen = set()
    for key, span in root.keys:
        name = key.removesuffix(CONCAT).rstrip("_")
        cell = names[0] if len(names) == 1 else name
        part = CONCAT if key.endswith(CONCAT) else "edges"
        if cell not in names:
            near = closest(name, names)
            help = [f"did you mean `{near}`?"] if near else [f"its cells: {', '.join(names)}"]
            sink.error("TSP0904", f"`{key}` is no cell of this space", span, help=help)
        elif (cell, part) in seen:
            sink.error("TSP0906", f"`{key}` is given twice", span)
        else:
            result.setdefault(cell, []).append((part, root.value[key]))
        seen.add((cell, part))
    for name in (n for n in names if (n, "edges") not in seen):
        sink.error("TSP0903", f"no edges for the cell `{name}`", root.span, "wanted is a list of pairs")
    return result


def _read_cell(cell: Cell, item: Item, sink: Sink) -> dict[Position, Item]:
    pairs = list(_pairs(item, cell, sink))
    if sink.failed:
        return {}
    wanted = sum(node.count for node in cell.nodes)
    if len(pairs) != wanted:
        edges = " + ".join(str(node.count) for node in cell.nodes)
        title = f"the cell `{cell.name}` has {wanted} edges ({edges}), not {len(pairs)}"
        if len(pairs) < wanted:
            sink.error("TSP0903", title, item.span, f"{wanted - len(pairs)} more are wanted")
        else:
            sink.error("TSP0905", title, pairs[wanted][0].span, "one too many")
        return {}
    chosen: dict[Position, Item] = {}
    start = 0
    for node in cell.nodes:
        chosen |= read_node(node, pairs[start : start + node.count], cell, sink)
        start += node.count
    return chosen


def _pairs(item: Item, cell: Cell, sink: Sink) -> Iterator[Pair]:
    for pair in item.value if isinstance(item.value, list) else [item]:
        match pair.value:
            case [Item(value=str()) as label, Item(value=int()) as source]:
                yield label, source
            case _:
                title = f"an edge of `{cell.name}` is an operation and the node that it comes from"
                sink.error("TSP0906", title, pair.span, "such as ('skip_connect', 0)")


def _check_result(cell: Cell, item: Item, sink: Sink) -> None:
    """The nodes that a cell concatenates belong to the space; where it does something else they say nothing."""
    given = [i.value for i in item.value] if isinstance(item.value, list) else None
    if cell.result is not None and given != list(cell.result):
        title = (
            f"the result of the cell `{cell.name}` is that of the nodes {', '.join(map(str, cell.result))}"
        )
        sink.error("TSP0905", title, item.span, "not of these")


def write_genotype(space: Space, assignment: Assignment) -> str | None:
    """The genotype of an architecture; None where the space has more to choose, or no such cells.

    Where a cell keeps some of its edges but does something else with its nodes than to concatenate them, all are its `concat`.
    """
    found = cells(space)
    if not covers(found, space) or not all(c.result or any(n.keep for n in c.nodes) for c in found):
        return None
    parts = []
    for cell in found:
        pairs = [pair for node in cell.nodes for pair in kept_edges(node, assignment)]
        key = CONCAT if len(found) == 1 else f"{cell.name}_{CONCAT}"
        parts += [f"{cell.name}={pairs!r}", f"{key}={_shown(cell)}"]
    return f"Genotype({', '.join(parts)})"


def _shown(cell: Cell) -> str:
    numbers = cell.result or tuple(node.number for node in cell.nodes)
    whole = numbers == tuple(range(numbers[0], numbers[-1] + 1))
    return f"range({numbers[0]}, {numbers[-1] + 1})" if whole else repr(list(numbers))
