"""What is legal in the IR; tests hold every pass to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Position
from tanglec.ir.nodes import (
    Branch,
    Call,
    Choose,
    Instance,
    Layer,
    Operation,
    Repeat,
    Scan,
    Space,
    Step,
    Sum,
    Value,
)
from tanglec.ir.types import KINDS, TensorType
from tanglec.record import record


class Malformed(AssertionError):
    """The IR breaks one of its own rules: a mistake of the compiler, never of a user."""


def verify(space: Space) -> None:
    """Raise `Malformed` where the IR is not legal.

    Positions: each has a presence, and whatever depends on one depends on a position of the space. Values: made once,
    and before they are read. Types: sizes are whole and positive for every choice. Repetitions: as many bodies as
    the largest count, and a value after each for every carried name. Operations: the sum of rule 2 covers the
    positions of the weights, and the lowering is one of those that the operation has.
    """
    checker = _Verifier(frozenset(space.positions), excused=bool(space.requirements))
    for dimension in space.dimensions:
        _require(
            len(dimension.positions) == len(dimension.present),
            f"{dimension.name}: positions without presence",
        )
        for present in dimension.present:
            checker.known(present, f"presence of {dimension.name}")
    for requirement in space.requirements:
        aggregates = [t for a in requirement.aggregates.values() for t in a.terms]
        for extent in (e for t in aggregates for e in (t.present, t.value)):
            checker.known(extent, requirement.text)
        left = set(requirement.condition.positions) - set(requirement.aggregates)
        checker.known_positions(left, requirement.text)
    checker.instance(space.network, [tensor.value for tensor in space.inputs])
    for value in space.network.outputs:
        _require(not value.type.positions, f"a result of the network varies: {value.type}")


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise Malformed(what)


def _alike(a: TensorType, b: TensorType) -> bool:
    """Types that agree for every choice, however they are written."""
    if a == b:
        return True
    pairs = zip((*a.features.segments, *a.sizes), (*b.features.segments, *b.sizes), strict=True)
    return a.kind == b.kind and a.heads == b.heads and all(ex.equal(x, y) for x, y in pairs)


@record(eq=False, frozen=False)
class _Verifier:
    positions: frozenset[Position]
    excused: bool  # a `require` may rule out choices for which a size has no meaning
    made: set[Value] = field(default_factory=set)
    entered: set[int] = field(default_factory=set)

    # --- extents and types -------------------------------------------------------------------------------------------

    def known_positions(self, positions: Iterable[Position], where: str) -> None:
        unknown = sorted(set(positions) - self.positions)
        _require(
            not unknown, f"{where}: depends on {', '.join(map(str, unknown))}, not a position of the space"
        )

    def known(self, extent: Extent, where: str) -> None:
        self.known_positions(extent.positions, where)

    def type(self, type: TensorType, where: str, present: Extent) -> None:
        _require(
            type.kind in KINDS and len(type.sizes) == KINDS[type.kind], f"{where}: {type} has wrong sizes"
        )
        heads = () if type.heads is None else (type.heads,)
        _require((type.kind == "heads") == bool(heads), f"{where}: {type} has heads and is not of heads")
        # of the arms of a `choose` some may have fewer segments than others: theirs are 0 wide
        for segment in type.features.segments:
            self.size(segment, 0, where, present)
        for size in (ex.total(type.features.segments), *type.sizes, *heads):
            self.size(size, 1, where, present)

    def size(self, extent: Extent, least: int, where: str, present: Extent) -> None:
        self.known(extent, where)
        whole = all(ex.is_whole(n) and ex.number(n) >= least for n in ex.table(extent))
        conditional = present != ex.TRUE  # choices that never come here need no size
        _require(
            whole or conditional or self.excused,
            f"{where}: {ex.show(extent)} is not a size for some choice",
        )

    # --- values and steps --------------------------------------------------------------------------------------------

    def make(self, value: Value, present: Extent) -> None:
        _require(value not in self.made, f"`{value.name}` is made twice")
        self.type(value.type, f"`{value.name}`", present)
        self.made.add(value)

    def read(self, value: Value, reader: str) -> None:
        _require(value in self.made, f"{reader} reads `{value.name}` before it is made")

    def instance(self, instance: Instance, inputs: Iterable[Value], present: Extent = ex.TRUE) -> None:
        for value in inputs:
            self.make(value, present)
        self.body(instance.body, present)
        for value in instance.outputs:
            self.read(value, f"the result of {instance.block}")

    def body(self, steps: tuple[Step, ...], present: Extent) -> None:
        for step in steps:
            if isinstance(step, Operation):
                self.operation(step, present)
            elif isinstance(step, Call):
                self.call(step, present)
            elif isinstance(step, Repeat):
                self.repeat(step, present)
            elif isinstance(step, Branch):
                self.branch(step, present)
            elif isinstance(step, Choose):
                self.choose(step, present)
            elif isinstance(step, Sum):
                self.sum(step, present)
            else:
                self.scan(step, present)

    def operation(self, step: Operation, present: Extent) -> None:
        for value in step.inputs:
            self.read(value, step.op)
        self.known_positions(step.sums_over, step.op)
        self.known(step.macs, step.op)
        for layer in (step.layer, step.tied):
            if layer is not None:
                self.weights(layer, step)
        legal = step.lowerings if step.sums_over else ("once", *step.lowerings)
        _require(step.lowering in legal, f"{step.op}: lowering {step.lowering!r} is none of {legal}")
        self.make(step.output, present)

    def weights(self, layer: Layer, step: Operation) -> None:
        for weight in layer.weights:
            missing = set(weight.positions) - set(step.sums_over)
            _require(not missing, f"{step.op}: the sum leaves out {sorted(missing)} of {weight.name}")

    def call(self, step: Call, present: Extent) -> None:
        instance = step.instance
        _require(len(step.inputs) == len(instance.inputs), f"{instance.block}: inputs differ in number")
        _require(len(step.results) == len(instance.outputs), f"{instance.block}: results differ in number")
        for given, (name, inside) in zip(step.inputs, instance.inputs, strict=True):
            alike = isinstance(given, Value) == isinstance(inside, Value)
            _require(alike, f"{instance.block}: `{name}` is a tensor on one side only")
            if isinstance(given, Value) and isinstance(inside, Value):
                self.read(given, instance.block)
                _require(_alike(given.type, inside.type), f"{instance.block}: `{name}` changes its type")
        if id(instance.mark) not in self.entered:  # a block that is called twice is one
            self.entered.add(id(instance.mark))
            self.instance(instance, [v for _, v in instance.inputs if isinstance(v, Value)], present)
        for result, inside in zip(step.results, instance.outputs, strict=True):
            _require(result.type == inside.type, f"{instance.block}: a result changes its type")
            self.make(result, present)

    def repeat(self, step: Repeat, present: Extent) -> None:
        self.known(step.count, "repeat")
        most = max(map(ex.number, ex.table(step.count)))
        _require(len(step.bodies) == most, f"repeat: {len(step.bodies)} bodies for a count up to {most}")
        for carried in step.carried:
            self.read(carried.before, "repeat")
        for i, body in enumerate(step.bodies):
            self.body(body, ex.apply("and", present, ex.apply(">", step.count, ex.const(i))))
            for carried in step.carried:
                _require(
                    len(carried.after) == len(step.bodies), f"repeat: `{carried.name}` lacks an iteration"
                )
                self.read(carried.after[i], f"repeat, iteration {i}")
        for carried in step.carried:
            if carried.result not in self.made:  # a fixed count hands on what its last iteration made
                self.make(carried.result, present)

    def branch(self, step: Branch, present: Extent) -> None:
        self.known(step.condition, "if")
        self.body(step.then, ex.apply("and", present, step.condition))
        self.body(step.otherwise, ex.apply("and", present, ex.apply("not", step.condition)))
        for joined in step.joined:
            self.read(joined.then, "if")
            self.read(joined.otherwise, "else")
            self.make(joined.result, present)

    def choose(self, step: Choose, present: Extent) -> None:
        self.known(step.on, "choose")
        _require(step.on.kind == "choice", "choose: not on the choice at one position")
        labels = [label for arm in step.arms for label in arm.labels]
        _require(
            sorted(map(str, labels)) == sorted(map(str, step.on.positions[0].choices)),
            "choose: a label has no arm",
        )
        for arm in step.arms:
            self.known(arm.condition, "choose")
            self.body(arm.body, ex.apply("and", present, arm.condition))
            self.read(arm.value, "an arm")
            _require(arm.value.type.kind == step.result.type.kind, "choose: an arm is of another kind")
        self.make(step.result, present)

    def sum(self, step: Sum, present: Extent) -> None:
        _require(
            len(step.edges) == len(step.gates) == len(step.sources), "dag: an edge without gate or source"
        )
        for gate, edge in zip(step.gates, step.edges, strict=True):
            self.known(gate, "dag")
            self.call(edge, ex.apply("and", present, gate))
            _require(len(edge.results) == 1, "dag: an edge with several results")
        self.make(step.result, present)

    def scan(self, step: Scan, present: Extent) -> None:
        self.read(step.xs, "scan")
        self.read(step.initial, "scan")
        self.make(step.token, present)
        self.make(step.state, present)
        self.call(step.call, present)
        _require(_alike(step.call.results[-1].type, step.state.type), "scan: the state changes its type")
        self.make(step.result, present)
