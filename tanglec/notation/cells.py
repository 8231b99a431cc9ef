"""The cells of a space as the field's notations see them: nodes, the edges into them, an operation on every edge.

They are read off the unrolled network: the sums of a `dag` are its nodes, and the `choose` inside an edge is its operation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from tanglec.diagnostics import Sink
from tanglec.ir.extents import Assignment, Position
from tanglec.ir.nodes import Call, Choose, Instance, Operation, Space, Step, Sum, bodies
from tanglec.notation.literal import Item
from tanglec.record import record
from tanglec.source import Span


@record()
class Edge:
    """An edge from node number `source`, and where its operation is chosen."""

    source: int
    position: Position


@record()
class Node:
    """Node `number` of a cell. `keep` is where the edges into it are chosen, None if all of them stay."""

    number: int
    edges: tuple[Edge, ...]
    keep: Position | None

    @property
    def count(self) -> int:
        """How many edges an architecture has here."""
        return len(self.edges) if self.keep is None else len(_kept(str(self.keep.choices[0])))


@record()
class Cell:
    """A kind of cell; `result` are the numbers of the nodes that it concatenates or averages, if it does."""

    name: str
    nodes: tuple[Node, ...]
    result: tuple[int, ...] | None

    @property
    def positions(self) -> frozenset[Position]:
        kept = [n.keep for n in self.nodes if n.keep is not None]
        return frozenset([*(e.position for n in self.nodes for e in n.edges), *kept])


Pair = tuple[Item, Item]  # the label of an operation, and the number of the node that it is done to


@lru_cache(maxsize=4)  # a table of architectures is read one by one
def cells(space: Space) -> tuple[Cell, ...]:
    """The kinds of cells, if their edges choose among labels and choices of different kinds are apart; else none."""
    kinds = [] if not space.dimensions else list(dict.fromkeys(_cells(space.network, set())))
    order = {position: number for number, position in enumerate(space.positions)}
    kinds.sort(key=lambda cell: 0 if cell is None else min(order[p] for p in cell.positions))
    named = {cell.name: cell for cell in kinds if cell is not None}
    positions = [p for cell in named.values() for p in cell.positions]
    whole = len(named) == len(kinds) and len(set(positions)) == len(positions)
    return tuple(named.values()) if whole else ()


def covers(found: Sequence[Cell], space: Space) -> bool:
    """Whether the operations and edges of the cells are all that an architecture chooses."""
    kept = {n.keep for cell in found for n in cell.nodes}
    free = {p for p in space.positions if len(p.choices) > 1}
    alone = all(p in kept for condition in space.presence.values() for p in condition.positions)
    return bool(found) and alone and free <= {p for cell in found for p in cell.positions}


def read_node(node: Node, pairs: Sequence[Pair], cell: Cell, sink: Sink) -> dict[Position, Item]:
    """The choices that as many pairs as `node.count` make; errors about sources (TSP0905)."""
    edges = {edge.source: edge for edge in node.edges}
    chosen: dict[Position, Item] = {}
    for label, source in pairs:
        edge = edges.get(source.value) if type(source.value) is int else None
        if edge is None:
            known = ", ".join(map(str, edges))
            title = f"node {node.number} of `{cell.name}` has no edge from `{source.span.text}`"
            sink.error("TSP0905", title, source.span, f"wanted is one of {known}")
        elif edge.position in chosen:
            title = f"node {node.number} of `{cell.name}` has one edge from node {edge.source}"
            sink.error("TSP0905", title, source.span, "a second one")
        else:
            chosen[edge.position] = label
    if node.keep is not None:
        span = Span(pairs[0][0].span.source, pairs[0][0].span.start, pairs[-1][1].span.end)
        kept = "+".join(str(edge.source) for edge in node.edges if edge.position in chosen)
        chosen[node.keep] = Item(kept, span)
    return chosen


def kept_edges(node: Node, assignment: Assignment) -> Iterator[tuple[str, int]]:
    """Label and source of the edges that an architecture has into a node."""
    kept = None if node.keep is None else _kept(str(assignment[node.keep]))
    for edge in node.edges:
        if kept is None or edge.source in kept:
            yield str(assignment[edge.position]), edge.source


def canonical(space: Space, chosen: Mapping[Position, Item], span: Span) -> Item:
    """The object of an architecture from the choices at some of its positions; dimensions without any are left out."""
    members: dict[str, Item] = {}
    for dimension in space.dimensions:
        items = {p: chosen.get(p) or _only(p, span) for p in dimension.positions}
        if not any(p in chosen for p in items):
            continue
        lists = {g: Item([i for p, i in items.items() if p.group == g], span) for g in dimension.groups}
        members[dimension.name] = Item(lists, span) if len(lists) > 1 else next(iter(lists.values()))
    return Item(members, span, tuple((name, span) for name in members))


def _only(position: Position, span: Span) -> Item:
    return Item(position.choices[0] if len(position.choices) == 1 else None, span)


def _kept(label: str) -> tuple[int, ...]:
    return tuple(map(int, label.split("+")))


# --- reading them off the network -------------------------------------------------------------------------------------


def _cells(instance: Instance, seen: set[int]) -> Iterator[Cell | None]:
    """The cell of every `dag` in an instance and in those that it calls; None for a `dag` of another kind."""
    if id(instance) in seen:
        return
    seen.add(id(instance))
    steps = list(_own(instance.body))
    dags: dict[int, list[Sum]] = {}
    for step in steps:
        if isinstance(step, Sum):
            dags.setdefault(id(step.dag), []).append(step)
        elif isinstance(step, Call):
            yield from _cells(step.instance, seen)
    for sums in dags.values():
        yield _cell(instance.block, sums, steps)


def _own(body: Sequence[Step]) -> Iterator[Step]:
    """The steps of a body and of the bodies inside it, the edges of a node left out."""
    for step in body:
        yield step
        for _, inner in () if isinstance(step, Sum) else bodies(step):
            yield from _own(inner)


def _cell(block: str, sums: Sequence[Sum], steps: Sequence[Step]) -> Cell | None:
    nodes, groups = [], set()
    for step in sums:
        edges = []
        for call, source in zip(step.edges, step.sources, strict=True):
            found = list(_choices(call))
            if len(found) != 1 or not all(isinstance(c, str) for c in found[0].choices):
                return None
            edges.append(Edge(source, found[0]))
            groups.add(found[0].group)
        keep = None if step.keep is None else step.keep.positions[0]
        nodes.append(Node(len(step.edges), tuple(edges), keep))
    name = groups.pop() if len(groups) == 1 else ""
    return Cell(name or block, tuple(nodes), _result(sums, steps))


def _choices(call: Call) -> Iterator[Position]:
    """Where an edge chooses what it does; what its arms choose in turn is no longer its operation."""
    for step in call.instance.body:
        if isinstance(step, Choose):
            yield from step.on.positions
        elif isinstance(step, Call):
            yield from _choices(step)


def _result(sums: Sequence[Sum], steps: Sequence[Step]) -> tuple[int, ...] | None:
    """The nodes that make the result of a cell; a block on a node stands between its sum and its value."""
    numbers = {id(step.result): len(step.edges) for step in sums}
    for step in steps:
        if not isinstance(step, Call | Operation):
            continue
        made = tuple(numbers[id(v)] for v in step.inputs if id(v) in numbers)
        if isinstance(step, Call):
            numbers.update({id(value): made[0] for value in step.results if len(made) == 1})
        elif step.op in ("concat", "average") and len(made) == len(step.inputs):
            return made
    return None
