"""The architecture as a table of boxes, from input to output: sizes as widths, choices, costs of every step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from math import sqrt

from tanglec.ir import extents as ex
from tanglec.ir.extents import Assignment, Position, Scalar, show_scalar
from tanglec.ir.nodes import Call, Dimension, Layer, Operation, Repeat, Scan, Space, Step, Sum, bodies, walk
from tanglec.ir.types import TensorType
from tanglec.record import record
from tanglec.report.plot import LABELS
from tanglec.report.trace import acts, positions


@record()
class Bar:
    """A choice: as text, and as a share of the largest of its dimension (None for labels, which have a colour)."""

    text: str
    share: float | None
    colour: str = ""


@record()
class Row:
    """One step: its tensor, as wide as `width` of the `largest` that any architecture has there, choices, and costs."""

    name: str
    depth: int
    kind: str  # "block", "operation", "group" (its steps follow) or "absent"
    type: str = ""
    width: int = 0
    largest: int = 0
    choices: dict[str, Bar] = field(default_factory=dict)
    params: int = 0
    macs: int = 0

    @property
    def filled(self) -> float:
        """The side of its width in that of the largest."""
        return sqrt(self.width / self.largest) if self.largest else 0.0


@record()
class Drawing:
    """All rows, the dimensions that have columns, and the largest figures of a row for scale."""

    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    whole: dict[str, Bar]

    def outline(self, row: Row) -> float:
        """Its largest width beside the widest of all, by the square root: layers of 10 and 1,000 are both seen."""
        return sqrt(row.largest / (max(other.largest for other in self.rows) or 1))

    @property
    def most_params(self) -> int:
        return max((row.params for row in self.rows if row.kind != "group"), default=0) or 1

    @property
    def most_macs(self) -> int:
        return max((row.macs for row in self.rows if row.kind != "group"), default=0) or 1


def network(space: Space, assignment: Assignment) -> Drawing:
    """The network of an architecture, blocks opened until nothing inside has choices of its own; cells stay closed."""
    rows = tuple(_Rows(space, assignment).of(space.network.body, 0))
    used = {name for row in rows for name in row.choices}
    columns = tuple(d.name for d in space.dimensions if d.name in used)
    alone = [d for d in space.dimensions if not d.per]
    whole = {d.name: bar(assignment[d.positions[0]], d) for d in alone}
    return Drawing(rows, columns, whole)


def bar(value: Scalar, dimension: Dimension) -> Bar:
    """A choice beside the others of its dimension."""
    every = list(dict.fromkeys(choice for p in dimension.positions for choice in p.choices))
    if isinstance(value, str | bool):
        return Bar(show_scalar(value), None, LABELS[every.index(value) % len(LABELS)])
    most = max((ex.number(c) for c in every if not isinstance(c, str | bool)), default=1)
    return Bar(show_scalar(value), float(value / most) if most > 0 else 0.0)


def scopes(space: Space) -> dict[str, tuple[str, tuple[str, ...]]]:
    """For every dimension with a scope, the block that it is `per`, and those that it is `of`, whose instances share."""
    texts = {d.name: d.per.removeprefix("per ").partition(" of ") for d in space.dimensions if d.per}
    return {name: (inner, tuple(filter(None, of.split(", ")))) for name, (inner, _, of) in texts.items()}


class _Rows:
    """Goes through the network of one architecture; weights count where they are first used."""

    def __init__(self, space: Space, assignment: Assignment) -> None:
        self.space, self.assignment = space, assignment
        self.scopes = scopes(space)
        self.cells = {block for _, owners in self.scopes.values() for block in owners}
        self.scoped = {block for block, _ in self.scopes.values()}
        self.seen: set[Layer] = set()

    def of(self, body: Sequence[Step], depth: int) -> Iterator[Row]:
        for step in body:
            if isinstance(step, Repeat):
                count = int(ex.number(step.count.at(self.assignment)))
                for i, inner in enumerate(step.bodies):
                    yield from self.of(inner, depth) if i < count else _absent(inner, depth)
            elif isinstance(step, Operation):
                yield from self._operation(step, depth)
            elif isinstance(step, Call):
                yield from self._call(step, depth)
            elif isinstance(step, Scan):
                yield from self._call(step.call, depth)
            elif isinstance(step, Sum):
                yield self._row("sum of the edges", "block", (step,), step.result.type, (), depth)
            else:
                yield from self.of([a.step for a in acts((step,), self.assignment) if a.kind == "do"], depth)

    def _operation(self, step: Operation, depth: int) -> Iterator[Row]:
        changes = bool(step.inputs) and step.inputs[0].type.kind != step.output.type.kind
        owns = step.layer is not None and step.layer.weights
        if owns or changes or step.macs != ex.const(0):
            yield self._row(step.op, "operation", (step,), step.output.type, (), depth)

    def _call(self, call: Call, depth: int) -> Iterator[Row]:
        block, body, at = call.instance.block, call.instance.body, positions(call.instance)
        opens = block not in self.cells and _calls(body, self.cells | self.scoped)
        seen = set(self.seen)
        if opens:  # what is chosen inside stands there
            at = tuple(p for p in at if p.scoped and self.scopes[p.dim][0] == block)
        yield self._row(block, "group" if opens else "block", (call,), call.results[0].type, at, depth)
        if opens:
            self.seen = seen  # its steps count the weights once more
            yield from self.of(body, depth + 1)

    def _row(
        self,
        name: str,
        kind: str,
        steps: tuple[Step, ...],
        type: TensorType,
        at: Sequence[Position],
        depth: int,
    ) -> Row:
        params, macs = self._costs(steps)
        width = int(ex.number(type.features.width.at(self.assignment)))
        return Row(
            name, depth, kind, self._type(type), width, type.features.size, self._choices(at), params, macs
        )

    def _choices(self, at: Sequence[Position]) -> dict[str, Bar]:
        """Those that are of this step alone: one position of a dimension that has several."""
        found: dict[str, list[Position]] = {}
        for position in at:
            if position.scoped:
                found.setdefault(position.dim, []).append(position)
        return {
            name: bar(self.assignment[met[0]], self.space.dimension(name))
            for name, met in found.items()
            if len(met) == 1
        }

    def _costs(self, steps: tuple[Step, ...]) -> tuple[int, int]:
        params = macs = 0
        for operation, present in walk(steps):
            if not present.at(self.assignment):
                continue
            macs += int(ex.number(operation.macs.at(self.assignment)))
            if operation.layer is not None and operation.layer not in self.seen:
                self.seen.add(operation.layer)
                params += sum(int(ex.number(w.count.at(self.assignment))) for w in operation.layer.weights)
        return params, macs

    def _type(self, type: TensorType) -> str:
        width = show_scalar(type.features.width.at(self.assignment))
        sizes = [show_scalar(size.at(self.assignment)) for size in type.sizes]
        return f"{type.kind} {' × '.join([width, *sizes] if type.kind == 'pixels' else [*sizes, width])}"


def _calls(body: Sequence[Step], blocks: set[str]) -> bool:
    """Whether one of the blocks is called somewhere inside."""
    for step in body:
        if isinstance(step, Call) and (step.instance.block in blocks or _calls(step.instance.body, blocks)):
            return True
        if any(_calls(inner, blocks) for _, inner in bodies(step)):
            return True
    return False


def _absent(body: Sequence[Step], depth: int) -> Iterator[Row]:
    for step in body:
        if isinstance(step, Call):
            yield Row(step.instance.block, depth, "absent")
