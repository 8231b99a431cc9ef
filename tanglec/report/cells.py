"""Cells as graphs: nodes on the diagonal, every edge a line from its row to its column with its operation where they meet.

A node is a tensor that several steps read, or that several paths add up to; steps between two nodes are what stands on the
edge. Nothing ever overlaps, however many edges there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tanglec.ir.extents import Assignment
from tanglec.ir.nodes import Call, Instance, Operation, Scan, Space, Step, Sum, Value, bodies
from tanglec.record import record
from tanglec.report.network import scopes
from tanglec.report.trace import Act, acts, gives_zero, label, positions


@record()
class Node:
    name: str  # the user's, or empty
    does: str  # what makes it


@record()
class Edge:
    source: int
    target: int
    text: str  # empty where the tensor is passed on as it is


@record()
class Graph:
    """A cell of an architecture; `left_out` edges carry zero or are not kept."""

    name: str
    times: int
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    left_out: int

    @property
    def texts(self) -> dict[tuple[int, int], str]:
        """What stands between two nodes; parallel edges are added up."""
        found: dict[tuple[int, int], list[str]] = {}
        for edge in self.edges:
            found.setdefault((edge.source, edge.target), []).append(edge.text)
        return {ends: " + ".join(filter(None, texts)) for ends, texts in found.items()}


def graphs(space: Space, assignment: Assignment) -> list[Graph]:
    """One graph for every kind of cell: blocks with a `dag`, and those that dimensions are said to be `of`."""
    kinds: dict[tuple[object, ...], list[Instance]] = {}
    for instance in _cells(
        space.network, {block for _, owners in scopes(space).values() for block in owners}
    ):
        own = tuple(p for p in positions(instance) if p.scoped)
        kinds.setdefault((instance.block, *own), []).append(instance)
    return [_graph(found, assignment) for found in kinds.values()]


def _cells(instance: Instance, owners: set[str]) -> Iterator[Instance]:
    """Cells in order of execution; not those that lie inside the edges of others."""
    if instance.block in owners or any(isinstance(step, Sum) for step in instance.body):
        yield instance
        return
    for step in _inside(instance.body):
        if isinstance(step, Call):
            yield from _cells(step.instance, owners)


def _inside(body: Sequence[Step]) -> Iterator[Step]:
    for step in body:
        yield step
        for _, inner in bodies(step):
            yield from _inside(inner)


def _graph(instances: Sequence[Instance], assignment: Assignment) -> Graph:
    first = instances[0]
    drawing = _Drawing(assignment)
    drawing.run(first)
    edges = [(edge, kept) for edge, kept in drawing.edges if edge.source != edge.target]
    shown = tuple(dict.fromkeys(edge for edge, kept in edges if kept))
    return Graph(
        first.block, len(instances), tuple(drawing.nodes), shown, len(edges) - sum(k for _, k in edges)
    )


@record()
class _Path:
    """A way from a node to a tensor, through some steps."""

    node: int
    steps: tuple[str, ...] = ()
    kept: bool = True


@dataclass(slots=True)
class _Drawing:
    assignment: Assignment
    nodes: list[Node] = field(default_factory=list)
    edges: list[tuple[Edge, bool]] = field(default_factory=list)
    paths: dict[Value, tuple[_Path, ...]] = field(default_factory=dict)

    def run(self, instance: Instance) -> None:
        for name, value in instance.inputs:
            if isinstance(value, Value) and value not in self.paths:
                self._node(value, name, "input", ())
        done = list(acts(instance.body, self.assignment))
        same = {act.makes[0]: act.reads[0] for act in done if act.kind == "alias"}
        uses = Counter(_origin(v, same) for act in done if act.kind != "alias" for v in set(act.reads))
        ends = {_origin(value, same) for value in instance.outputs}
        for act in done:
            self._act(act, {v for v in act.makes if uses[v] > 1 or v in ends})

    def _act(self, act: Act, wanted: set[Value]) -> None:
        """`wanted` are the results that must be nodes."""
        if act.kind == "alias":
            self.paths[act.makes[0]] = self._of(act.reads[0])
        elif act.kind == "sum":
            [result] = act.makes
            self.paths[result] = tuple(path for value in act.reads for path in self._of(value))
            if result in wanted or isinstance(act.step, Sum):
                self._node(result, result.name, "sum", self.paths[result])
        else:
            self._do(act, wanted)

    def _do(self, act: Act, wanted: set[Value]) -> None:
        reads = list(dict.fromkeys(act.reads))
        text, kept = _text(act.step, self.assignment), act.kept and not _is_zero(act.step, self.assignment)
        if len(reads) > 1:
            for value in reads:
                if len(self._of(value)) > 1:
                    self._node(value, value.name, "sum", self._of(value))
        incoming = tuple(path for value in reads for path in self._of(value))
        if len(incoming) == 1 and not wanted and len(act.makes) == 1:
            [path] = incoming
            self.paths[act.makes[0]] = (_Path(path.node, (*path.steps, text), path.kept and kept),)
            return
        arriving = tuple(_Path(p.node, p.steps, p.kept and kept) for p in incoming)
        self._node(act.makes[0], act.makes[0].name, text, arriving)
        for other in act.makes[1:]:
            self.paths[other] = self.paths[act.makes[0]]

    def _of(self, value: Value) -> tuple[_Path, ...]:
        """The paths to a tensor; one from outside the cell is an input of it."""
        if value not in self.paths:
            self._node(value, value.name, "input", ())
        return self.paths[value]

    def _node(self, value: Value, name: str, does: str, incoming: Sequence[_Path]) -> None:
        number = len(self.nodes)
        self.nodes.append(Node(name.replace("_", " "), does))
        for path in incoming:
            self.edges.append((Edge(path.node, number, " › ".join(path.steps)), path.kept))
        self.paths[value] = (_Path(number),)


def _origin(value: Value, same: dict[Value, Value]) -> Value:
    while value in same:
        value = same[value]
    return value


def _text(step: Step, assignment: Assignment) -> str:
    if isinstance(step, Call):
        return label(step, assignment)
    if isinstance(step, Scan):
        return f"scan of {label(step.call, assignment)}"
    return step.op if isinstance(step, Operation) else ""


def _is_zero(step: Step, assignment: Assignment) -> bool:
    return isinstance(step, Call) and gives_zero(step, assignment)
