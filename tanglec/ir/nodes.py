"""The intermediate representation: the network unrolled into operations, every tensor with its symbolic type.

A `Space` holds the dimensions and one `Instance` of the network. An instance is a block with its arguments bound; its body
is a sequence of steps: an operation, the call of another block, a repetition, or a condition that not every architecture
decides alike. Repetitions are kept, each iteration with a body of its own, because positions differ between iterations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tanglec.ir.extents import TRUE, Extent, Position, Scalar, apply, const, product_of
from tanglec.ir.types import Axis, TensorType
from tanglec.record import record
from tanglec.source import Span


@record(eq=False)
class Value:
    """A tensor: made once, never changed. `name` is the user's, empty for what is passed on at once."""

    type: TensorType
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Kernel:
    """The axes of a square kernel: a choice reads the centred part of the largest."""

    size: Extent

    @property
    def width(self) -> Extent:
        return apply("*", self.size, self.size)

    @property
    def positions(self) -> tuple[Position, ...]:
        return self.size.positions


WeightAxis = Axis | Kernel


@dataclass(frozen=True, slots=True)
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


# What a generated constructor or call may be given: symbolic sizes, or anything that prints as itself.
Slot = Extent | Axis | int | float | bool | str | None | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Constructor:
    """`Name(args, key=value)` as it will be printed."""

    name: str
    args: tuple[Slot, ...] = ()
    options: tuple[tuple[str, Slot], ...] = ()


@dataclass(frozen=True, slots=True)
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


Step = Operation | Call | Repeat | Branch


@record(eq=False)
class Instance:
    """A block with its arguments bound. `arguments` are the static ones, `inputs` the tensors (or layers) by parameter.

    `mark` stays the same when passes rewrite the instance.
    """

    block: str
    path: str
    arguments: Mapping[str, Any]
    inputs: tuple[tuple[str, Value | Layer], ...]
    body: tuple[Step, ...]
    outputs: tuple[Value, ...]
    mark: object = field(default_factory=object)


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension with its positions in order. `per` is the text of its scope, empty for the whole network."""

    name: str
    positions: tuple[Position, ...]
    per: str
    span: Span
    present: tuple[Extent, ...]  # for each position, when an architecture has it
    uses: int = 0
    sampled_only: str = ""  # why it cannot be superposed; empty if it can

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(p.group for p in self.positions))


@dataclass(frozen=True, slots=True)
class Term:
    """A number that counts under a condition."""

    present: Extent
    value: Extent


@record(eq=False)
class Aggregate:
    """`sum`, `product`, `min`, `max` or `count` of terms, as `text` wrote it; `params()` and `macs()` are sums."""

    kind: str
    terms: tuple[Term, ...]
    text: str


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


@dataclass(frozen=True, slots=True)
class InputTensor:
    name: str
    value: Value


@record(eq=False)
class Space:
    """A whole search space. `params` are the values of its `param`s after overrides.

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
    fingerprint: str = ""

    def dimension(self, name: str) -> Dimension:
        return next(d for d in self.dimensions if d.name == name)

    @property
    def positions(self) -> tuple[Position, ...]:
        return tuple(p for d in self.dimensions for p in d.positions)

    @property
    def presence(self) -> dict[Position, Extent]:
        return {p: c for d in self.dimensions for p, c in zip(d.positions, d.present, strict=True)}


def walk(body: tuple[Step, ...], present: Extent = TRUE) -> Iterator[tuple[Operation, Extent]]:
    """Every operation of a body and of the blocks that it calls, in order, with the condition under which it is there."""
    for step in body:
        if isinstance(step, Operation):
            yield step, present
        elif isinstance(step, Call):
            yield from walk(step.instance.body, present)
        elif isinstance(step, Repeat):
            for i, inner in enumerate(step.bodies):
                yield from walk(inner, apply("and", present, apply(">", step.count, const(i))))
        else:
            yield from walk(step.then, apply("and", present, step.condition))
            yield from walk(step.otherwise, apply("and", present, apply("not", step.condition)))


def rewrite(body: tuple[Step, ...], change: Callable[[Operation], Operation]) -> tuple[Step, ...]:
    """The body with every operation replaced by what `change` makes of it."""
    steps: list[Step] = []
    for step in body:
        if isinstance(step, Operation):
            steps.append(change(step))
        elif isinstance(step, Call):
            instance = replace(step.instance, body=rewrite(step.instance.body, change))
            steps.append(replace(step, instance=instance))
        elif isinstance(step, Repeat):
            steps.append(replace(step, bodies=tuple(rewrite(b, change) for b in step.bodies)))
        else:
            steps.append(
                replace(step, then=rewrite(step.then, change), otherwise=rewrite(step.otherwise, change))
            )
    return tuple(steps)
