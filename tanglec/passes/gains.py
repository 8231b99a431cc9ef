"""Rule 2's exception: a weight whose only reader is a batch norm over the same channels has no gain along them.

The norm applies the gain to its scale and shift; in the weight it would be cancelled. Who reads a tensor is found across
the borders of blocks, so that splitting a space into blocks never changes what it means.
"""

from __future__ import annotations

from collections import defaultdict

from tanglec.diagnostics import Sink
from tanglec.ir.nodes import (
    Call,
    Constructor,
    Operation,
    Repeat,
    Scan,
    Space,
    Step,
    Value,
    bodies,
    joins,
    rewrite,
)
from tanglec.record import replace

# Readers that are not operations: results of the network, and what comes out of a repetition, a condition or a choice.
_OTHER = "other"


def drop_cancelled_gains(space: Space, sink: Sink, lowering: str) -> Space:
    """Set `gain=False` on every layer whose gain a batch norm would cancel."""
    flow = _Flow()
    flow.body(space.network.body)
    for value in space.network.outputs:
        flow.read(value, _OTHER)

    def change(operation: Operation) -> Operation:
        readers = flow.readers[flow.root(operation.output)]
        make = operation.supernet.layer
        if make is None or not _writes_channels(operation) or readers != ["batch_norm"]:
            return operation
        silent = Constructor(make.name, make.args, (*make.options, ("gain", False)))
        return replace(operation, supernet=replace(operation.supernet, layer=silent))

    network = replace(space.network, body=rewrite(space.network.body, change))
    return replace(space, network=network)


def _writes_channels(operation: Operation) -> bool:
    """Whether its weight has a gain along channels. Those that follow a rule, or lie in a fixed number of groups, are no part
    of wider choices' weights.
    """
    make = operation.supernet.layer
    options = dict(make.options) if make is not None else {}
    ruled = "channels" in options or "groups" in options and "mask" not in operation.lowerings
    varies = bool(operation.output.type.features.positions)
    return operation.op in ("linear", "conv", "depthwise") and varies and not ruled


class _Flow:
    """Which values are one tensor, and who reads each."""

    def __init__(self) -> None:
        self.same: dict[Value, Value] = {}
        self.readers: dict[Value, list[str]] = defaultdict(list)

    def root(self, value: Value) -> Value:
        while value in self.same:
            value = self.same[value]
        return value

    def read(self, value: Value, reader: str) -> None:
        self.readers[self.root(value)].append(reader)

    def body(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            if isinstance(step, Operation):
                for value in step.inputs:
                    self.read(value, step.op)
            elif isinstance(step, Call):
                self._call(step)
            elif isinstance(step, Scan):
                self.read(step.xs, _OTHER)
                self.read(step.initial, _OTHER)
            for _, inner in bodies(step):
                self.body(inner)
            handed_on = (
                isinstance(step, Repeat) and not step.elastic
            )  # the next iteration reads the very value
            for value in () if handed_on else joins(step):
                self.read(value, _OTHER)

    def _call(self, step: Call) -> None:
        for given, (_, inside) in zip(step.inputs, step.instance.inputs, strict=True):
            if isinstance(given, Value) and isinstance(inside, Value):
                self.same[inside] = self.root(given)
        self.body(step.instance.body)
        for result, inside in zip(step.results, step.instance.outputs, strict=True):
            self.same[result] = self.root(inside)
