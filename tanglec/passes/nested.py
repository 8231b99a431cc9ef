"""Dimensions whose gradient at a vertex is had from the slice: `Dimension.nested`.

At a vertex (a straight-through sample) the mixture's gradient for every choice of a width is a sum over numbers inside the
chosen block, if whatever mixes along that width reads zeros behind it and has a closed form on the slice. What is behind
gets no gradient from any reader: the mixture at a vertex does not depend on it. So a dimension nests unless

1. it decides on something else than widths: a kernel (whose outer ring reads real numbers), a number of repetitions, an
   operation, an edge, a condition;
2. an operation that is evaluated once for each choice sums over it;
3. a weight or a norm reads behind it what need not be zero (rule 6: after a sigmoid, a constant, relative positions);
4. it shares an axis with one that does not nest, so that every axis is sliced as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, replace

from tanglec.ir.extents import Extent, Position
from tanglec.ir.nodes import (
    Branch,
    Call,
    Choose,
    Kernel,
    Layer,
    Operation,
    Repeat,
    Scan,
    Space,
    Step,
    Sum,
    Value,
    bodies,
)
from tanglec.record import record

# What owns a weight and yet keeps channels apart: what it reads behind a width stays behind it.
_CHANNELWISE = ("batch_norm", "depthwise", "group_norm", "position", "prepend_token")


def mark_nested(space: Space) -> Space:
    """Set `nested` on the dimensions that are. Only generated code asks for it, so no pass that every command runs."""
    flow = _Flow()
    before = -1
    while before != len(flow.padded):  # a block that is called again may be given other padding
        before = len(flow.padded)
        flow.seen.clear()
        flow.body(space.network.body)
    flow.spread()
    return replace(
        space,
        dimensions=tuple(
            replace(d, nested=not (d.sampled_only or d.gates or d.name in flow.whole))
            for d in space.dimensions
        ),
    )


@record(eq=False, frozen=False)
class _Flow:
    """`padded`: values behind whose width anything may stand, `whole`: dimensions that do not nest."""

    padded: set[Value] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    ties: set[frozenset[str]] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)

    def body(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            match step:
                case Operation():
                    self._operation(step)
                case Call():
                    self._call(step)
                case Scan():
                    self._flows([step.xs], step.token)
                    self._flows([step.initial, *step.call.results[-1:]], step.state)
            for _, inner in bodies(step):
                self.body(inner)
            self._joined(step)

    def spread(self) -> None:
        """Of an axis nothing nests or everything does."""
        growing = True
        while growing:
            before = len(self.whole)
            self.whole.update(*(tie for tie in self.ties if tie & self.whole))
            growing = before < len(self.whole)

    def _operation(self, step: Operation) -> None:
        weights = step.layer.weights if step.layer is not None else ()
        axes = [a for w in weights for a in w.axes]
        self._tie(
            *(a.positions for a in axes), *(v.type.features.positions for v in (*step.inputs, step.output))
        )
        self._whole(p for a in axes if isinstance(a, Kernel) for p in a.positions)
        self._whole(p for _, slot in step.supernet.values if isinstance(slot, Extent) for p in slot.positions)
        if step.lowering == "loop":
            self._whole(step.sums_over)
        if step.sums_over and step.op not in _CHANNELWISE:
            self._whole(p for v in step.inputs if self._dirty(v) for p in v.type.features.positions)
        if self._spills(step):
            self.padded.add(step.output)

    def _spills(self, step: Operation) -> bool:
        """Whether the result is padded though its type says that there are zeros."""
        if step.output.type.heads is not None and step.layer is not None:
            return True  # every head gets the bias, those that are not there too
        if step.sums_over and step.op != "prepend_token":
            return False
        read = step.inputs[2:] if step.op == "attend" else step.inputs  # zeros are what is attended to
        return any(v in self.padded for v in read)

    def _call(self, step: Call) -> None:
        for given, (_, inside) in zip(step.inputs, step.instance.inputs, strict=True):
            if isinstance(given, Value) and isinstance(inside, Value):
                self._flows([given], inside)
        if id(step.instance) not in self.seen:
            self.seen.add(id(step.instance))
            self.body(step.instance.body)
        for result, inside in zip(step.results, step.instance.outputs, strict=True):
            self._flows([inside], result)

    def _joined(self, step: Step) -> None:
        match step:
            case Repeat():
                self._whole(step.count.positions)
                for carried in step.carried:
                    self._flows([carried.before, *carried.after], carried.result)
            case Branch():
                self._whole(step.condition.positions)
                for joined in step.joined:
                    self._flows([joined.then, joined.otherwise], joined.result)
            case Choose():
                self._whole(step.on.positions)
                self._flows([arm.value for arm in step.arms], step.result)
                if any(arm.value.type.features != step.result.type.features for arm in step.arms):
                    arms = [p for arm in step.arms for p in arm.value.type.features.positions]
                    self._whole([*arms, *step.result.type.features.positions])
            case Sum():
                self._whole(() if step.keep is None else step.keep.positions)
                self._flows([v for edge in step.edges for v in edge.results], step.result)
            case Scan():
                self._flows(step.call.results[:1], step.result)

    def _flows(self, sources: Iterable[Value | Layer], target: Value) -> None:
        if any(isinstance(v, Value) and self._dirty(v) for v in sources):
            self.padded.add(target)

    def _dirty(self, value: Value) -> bool:
        return value in self.padded or value.type.padding == "anything"

    def _tie(self, *axes: tuple[Position, ...]) -> None:
        self.ties.update(frozenset(p.dim for p in axis) for axis in axes if axis)

    def _whole(self, positions: Iterable[Position]) -> None:
        self.whole.update(p.dim for p in positions)
