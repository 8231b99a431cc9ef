"""The intermediate representation: the network unrolled into operations, every tensor with its symbolic type.

A `Space` holds the dimensions and one `Instance` of the network. An instance is a block with its arguments bound; its body
is a sequence of steps: an operation, the call of another block, a repetition, a condition that not every architecture
decides alike, a choice between operations, the sum of the edges into a node, or a recurrent cell. Repetitions are kept,
each iteration with a body of its own, because positions differ between iterations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from operator import is_not
from typing import Any

from tanglec.ir.extents import TRUE, Extent, Position, Scalar, apply, const, largest, product_of, show
from tanglec.ir.types import Axis, TensorType
from tanglec.record import record, replace
from tanglec.source import Span


@record(eq=False)
class Value:
    """A tensor: made once, never changed. `name` is the user's, empty for what is passed on at once."""

    type: TensorType
    name: str
    span: Span


@record()
class Kernel:
    """The axes of a square kernel: a choice reads the centred part of the largest."""

    size: Extent

    @property
    def width(self) -> Extent:
        return apply("*", self.size, self.size)

    def __str__(self) -> str:
        return f"kernel {show(self.size)}"

    @property
    def positions(self) -> tuple[Position, ...]:
        return self.size.positions


WeightAxis = Axis | Kernel


@record()
class Weight:
    """One parameter of a layer. `out` is the index of the axis that its output is written along, if there is one."""

    name: str
    axes: tuple[WeightAxis, ...]
    out: int | None = 0

    @property
    def positions(self) -> tuple[Position, ...]:
        return tuple(sorted({p for a in self.axes for p in a.positions}))

    @property
    def count(self) -> Extent:
        return product_of(a.width for a in self.axes)

    @property
    def size(self) -> int:
        """Its numbers as they are stored: every axis at its largest."""
        return math.prod(int(largest(a.width)) if isinstance(a, Kernel) else a.size for a in self.axes)


@record()
class Function:
    """A function of one tensor by its Python name: `F.relu`."""

    name: str


@record()
class Decision:
    """What a condition of a block's text came to, where that is a constant; the comparison is kept as it was written."""

    condition: Extent
    outcome: bool


# What a generated constructor or call may be given: symbolic sizes, functions, or anything that prints as itself.
Slot = Extent | Axis | Function | Decision | int | float | bool | str | None | tuple[int, ...]


@record()
class Constructor:
    """`Name(args, key=value)` as it will be printed."""

    name: str
    args: tuple[Slot, ...] = ()
    options: tuple[tuple[str, Slot], ...] = ()


@record()
class Code:
    """How an operation is written in one dialect.

    `call` is a format string: `{0}`, `{1}` … are its inputs, `{layer}` its module, `{tied}` the parameter that it borrows, and
    names stand for `values`. `imports` are names that the file needs, `comment` is put behind a line of its own.
    """

    call: str
    layer: Constructor | None = None
    values: tuple[tuple[str, Slot], ...] = ()
    support: str = ""


@record(eq=False)
class Layer:
    """The owner of weights; two operations with the same layer share them. `name` is the user's, empty if there is none."""

    name: str
    weights: tuple[Weight, ...]
    span: Span


@record(eq=False)
class Operation:
    """One evaluation of an operation of the registry."""

    op: str
    inputs: tuple[Value, ...]
    output: Value
    supernet: Code
    plain: Code
    span: Span
    layer: Layer | None = None
    tied: Layer | None = None
    macs: Extent = const(0)
    sums_over: tuple[Position, ...] = ()  # positions of the sum of rule 2
    lowerings: tuple[str, ...] = ("once",)  # ways to mix it, the best first
    lowering: str = ""  # the one that was chosen
    shape_comment: bool = False
    via: str = ""  # the parameter or local that it was called by, where it was handed on; else empty


@record(eq=False)
class Call:
    """The call of a block: `results` are the caller's names for what the instance returns.

    `mark` stays the same when passes rewrite the call.
    """

    instance: Instance
    inputs: tuple[Value | Layer, ...]
    results: tuple[Value, ...]
    span: Span
    mark: object = field(default_factory=object)


@record(eq=False)
class Carried:
    """A name that a repetition rebinds: its value before, after each iteration, and after the whole."""

    name: str
    before: Value
    after: tuple[Value, ...]
    result: Value


@record(eq=False)
class Repeat:
    """`repeat count`; as many bodies as the largest count. `elastic` where the count has several values."""

    count: Extent
    bodies: tuple[tuple[Step, ...], ...]
    carried: tuple[Carried, ...]
    span: Span

    @property
    def elastic(self) -> bool:
        return not self.count.is_constant


@record(eq=False)
class Joined:
    """A value that both sides of a condition make."""

    then: Value
    otherwise: Value
    result: Value


@record(eq=False)
class Branch:
    """A condition that holds for some architectures only; its dimensions are sampled-only."""

    condition: Extent
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...]
    joined: tuple[Joined, ...]
    span: Span


@record(eq=False)
class Arm:
    """One way of a `choose`: taken where the choice is one of `labels`, several of which share its weights (`entangled`)."""

    labels: tuple[Scalar, ...]
    condition: Extent
    body: tuple[Step, ...]
    value: Value


@record(eq=False)
class Choose:
    """`choose`: the sum of the arms, each weighted by the probability of its labels; `on` is the choice at one position.

    `inside`: the probabilities of entangled arms are put into their kernels only, as the reference implementation does.
    """

    on: Extent
    arms: tuple[Arm, ...]
    result: Value
    span: Span
    inside: bool = False


@record(eq=False)
class Sum:
    """A node of a `dag`: the sum of its incoming edges, those that are kept.

    `keep` is the choice of edges (None where all stay), `gates` tell under which condition each edge is there; `sources` are
    the numbers of the nodes that they come from. All nodes of one dag have the same `dag`.
    """

    dag: object
    edges: tuple[Call, ...]
    gates: tuple[Extent, ...]
    sources: tuple[int, ...]
    keep: Extent | None
    result: Value
    span: Span


@record(eq=False)
class Scan:
    """A recurrent cell: `call` reads `token` and `state` at every place of `xs`, and its last result is the next state."""

    call: Call
    token: Value
    state: Value
    xs: Value
    initial: Value
    result: Value
    span: Span


Step = Operation | Call | Repeat | Branch | Choose | Sum | Scan


@record(eq=False)
class Instance:
    """A block with its arguments bound. `arguments` are the static ones, `inputs` the tensors (or layers) by parameter.

    `decisions` are by the place of the condition, None where it came out both ways. `mark` stays the same when passes
    rewrite the instance.
    """

    block: str
    path: str
    arguments: Mapping[str, Any]
    inputs: tuple[tuple[str, Value | Layer], ...]
    body: tuple[Step, ...]
    outputs: tuple[Value, ...]
    decisions: Mapping[tuple[str, int], Decision | None] = field(default_factory=dict)
    mark: object = field(default_factory=object)


@record()
class Dimension:
    """A dimension with its positions in order. `per` is the text of its scope, empty for the whole network."""

    name: str
    positions: tuple[Position, ...]
    per: str
    span: Span
    present: tuple[Extent, ...]  # for each position, when an architecture has it
    uses: int = 0
    sampled_only: str = ""  # why it cannot be superposed; empty if it can
    gates: bool = False  # it says which edges of a `dag` are kept: 1 each while searching, never superposed
    nested: bool = False  # at a vertex its gradient is had from the slice

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(p.group for p in self.positions))

    @property
    def grouped(self) -> bool:
        """Whether its choices are kept apart by block name, if only one of the blocks is ever called."""
        return any(p.group for p in self.positions)


@record()
class Term:
    """A number that counts under a condition."""

    present: Extent
    value: Extent


@record(eq=False)
class Aggregate:
    """`sum`, `product`, `min`, `max` or `count` of terms, as `text` wrote it; `params()` and `macs()` are sums.

    `over`: for every dimension that it speaks of, the positions that the terms have, in order.
    """

    kind: str
    terms: tuple[Term, ...]
    text: str
    over: tuple[tuple[Position, ...], ...] = ()


@record(eq=False)
class Requirement:
    """A condition on every architecture. Aggregates appear in it as positions of their own.

    `condition` also holds where a position is absent; `bare` is the condition as it was written.
    """

    condition: Extent
    bare: Extent
    text: str
    span: Span
    aggregates: Mapping[Position, Aggregate] = field(default_factory=dict)


@record()
class InputTensor:
    name: str
    value: Value


@record()
class Renaming:
    """A key under which architectures are published, and the dimension that it stands for; `listed`: a list over several."""

    key: str
    dims: tuple[str, ...]
    listed: bool = False


@record()
class Notation:
    """A `notation` of the space: its keys in the order in which they are written."""

    name: str
    keys: tuple[Renaming, ...]


@record(eq=False)
class Space:
    """A whole search space. `params` are the values of its `param`s after overrides.

    `parameters` and `multiply_adds` are what architectures cost, as sums of terms (see `tanglec.passes.cost`);
    `architectures` is their number, if a pass had to count them: that of these dimensions and requirements.
    `sha256` is that of the file's text, `fingerprint` also covers libraries and params: weights belong to it.
    """

    name: str
    title: str
    path: str
    sha256: str
    params: Mapping[str, Scalar]
    overridden: tuple[str, ...]
    dimensions: tuple[Dimension, ...]
    requirements: tuple[Requirement, ...]
    inputs: tuple[InputTensor, ...]
    network: Instance
    parameters: tuple[Term, ...]
    multiply_adds: tuple[Term, ...]
    fingerprint: str = ""
    notations: tuple[Notation, ...] = ()
    architectures: int | None = None

    def dimension(self, name: str) -> Dimension:
        return next(d for d in self.dimensions if d.name == name)

    @property
    def positions(self) -> tuple[Position, ...]:
        return tuple(p for d in self.dimensions for p in d.positions)

    @property
    def presence(self) -> dict[Position, Extent]:
        return {p: c for d in self.dimensions for p, c in zip(d.positions, d.present, strict=True)}


def bodies(step: Step) -> tuple[tuple[Extent, tuple[Step, ...]], ...]:
    """The bodies inside a step, each with the condition under which it runs; not that of a block that is called."""
    if type(step) is Operation or type(step) is Call:  # most are
        return ()
    match step:
        case Repeat():
            return tuple((apply(">", step.count, const(i)), inner) for i, inner in enumerate(step.bodies))
        case Branch():
            return (step.condition, step.then), (apply("not", step.condition), step.otherwise)
        case Choose():
            return tuple((arm.condition, arm.body) for arm in step.arms)
        case Sum():
            return tuple((gate, (edge,)) for gate, edge in zip(step.gates, step.edges, strict=True))
        case Scan():
            return ((TRUE, (step.call,)),)
    return ()


def with_bodies(step: Step, inner: Sequence[tuple[Step, ...]]) -> Step:
    """The step with other bodies inside, in the order of `bodies`."""
    match step:
        case Repeat():
            return replace(step, bodies=tuple(inner))
        case Branch():
            return replace(step, then=inner[0], otherwise=inner[1])
        case Choose():
            arms = (replace(arm, body=body) for arm, body in zip(step.arms, inner, strict=True))
            return replace(step, arms=tuple(arms))
        case Sum():
            return replace(step, edges=tuple(edge for (edge,) in inner))  # type: ignore[misc]
        case Scan():
            return replace(step, call=inner[0][0])  # type: ignore[arg-type]
    return step


def inputs(step: Step) -> tuple[Value | Layer, ...]:
    """What a step reads before its bodies run."""
    if isinstance(step, Scan):
        return step.xs, step.initial
    return step.inputs if isinstance(step, Operation | Call) else ()


def joins(step: Step) -> Iterator[Value]:
    """The values that a step reads when its bodies have run."""
    match step:
        case Repeat():
            for carried in step.carried if step.bodies else ():
                yield carried.before
                yield from carried.after
        case Branch():
            for joined in step.joined:
                yield joined.then
                yield joined.otherwise
        case Choose():
            yield from (arm.value for arm in step.arms)
        case Sum():
            yield from (edge.results[0] for edge in step.edges)
        case Scan():
            yield from step.call.results


def walk(body: tuple[Step, ...], present: Extent = TRUE) -> Iterator[tuple[Operation, Extent]]:
    """Every operation of a body and of the blocks that it calls, in order, with the condition under which it is there."""
    for step in body:
        if isinstance(step, Operation):
            yield step, present
        elif isinstance(step, Call):
            yield from walk(step.instance.body, present)
        else:
            for condition, inner in bodies(step):
                yield from walk(inner, apply("and", present, condition))


def rewrite(body: tuple[Step, ...], change: Callable[[Operation], Operation]) -> tuple[Step, ...]:
    """The body with every operation replaced by what `change` makes of it; an instance that is called twice stays one.

    What holds no operation that changed is not copied.
    """
    return _Rewriter(change).body(body)


@record(eq=False, frozen=False)
class _Rewriter:
    change: Callable[[Operation], Operation]
    done: dict[int, Instance] = field(default_factory=dict)

    def body(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        changed = tuple(map(self.step, steps))
        return changed if any(map(is_not, changed, steps)) else steps

    def step(self, step: Step) -> Step:
        if isinstance(step, Operation):
            return self.change(step)
        if isinstance(step, Call):
            instance = self.instance(step.instance)
            return step if instance is step.instance else replace(step, instance=instance)
        inner = [body for _, body in bodies(step)]
        changed = [self.body(body) for body in inner]
        return with_bodies(step, changed) if any(map(is_not, changed, inner)) else step

    def instance(self, instance: Instance) -> Instance:
        if id(instance) not in self.done:
            body = self.body(instance.body)
            self.done[id(instance)] = instance if body is instance.body else replace(instance, body=body)
        return self.done[id(instance)]
