"""The network of one architecture: conditions decided, repetitions cut to their count, what is absent left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tanglec.ir import extents as ex
from tanglec.ir.extents import Position, Scalar
from tanglec.ir.nodes import (
    Call,
    Carried,
    Choose,
    Code,
    Constructor,
    Instance,
    Operation,
    Repeat,
    Scan,
    Slot,
    Space,
    Step,
    Sum,
    Value,
    walk,
)
from tanglec.ir.types import Axis, axis


def specialise(space: Space, assignment: dict[Position, Scalar]) -> Instance:
    """The network's instance with every extent a constant. Marks are kept."""
    return _Specialiser(assignment).instance(space.network)


class _Specialiser:
    def __init__(self, assignment: dict[Position, Scalar]) -> None:
        self.assignment = assignment
        self.same: dict[Value, Value] = {}

    def instance(self, instance: Instance) -> Instance:
        body = self._steps(instance.body)
        arguments = {name: self._slot(value) for name, value in instance.arguments.items()}
        return replace(
            instance, body=body, outputs=tuple(map(self._value, instance.outputs)), arguments=arguments
        )

    def _value(self, value: Value) -> Value:
        while value in self.same:
            value = self.same[value]
        return value

    def _steps(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        result: list[Step] = []
        for step in steps:
            if isinstance(step, Operation):
                result.append(self._operation(step))
            elif isinstance(step, Call):
                result.append(self._call(step))
            elif isinstance(step, Repeat):
                result.append(self._repeat(step))
            elif isinstance(step, Choose):
                arm = next(a for a in step.arms if a.condition.at(self.assignment))
                result.extend(self._steps(arm.body))
                self.same[step.result] = arm.value
            elif isinstance(step, Sum):
                result.extend(self._sum(step))
            elif isinstance(step, Scan):
                (call,) = self._steps((step.call,))
                xs, initial = self._value(step.xs), self._value(step.initial)
                result.append(replace(step, call=call, xs=xs, initial=initial))  # type: ignore[arg-type]
            else:
                taken = step.condition.at(self.assignment)
                result.extend(self._steps(step.then if taken else step.otherwise))
                for joined in step.joined:
                    self.same[joined.result] = joined.then if taken else joined.otherwise
        return tuple(result)

    def _call(self, step: Call) -> Call:
        """Without the layers that nothing inside uses: the network may have none such."""
        instance = self.instance(step.instance)
        used = {operation.layer for operation, _ in walk(instance.body)}
        kept = [i for i, given in enumerate(step.inputs) if isinstance(given, Value) or given in used]
        inputs = tuple(instance.inputs[i] for i in kept)
        given = (step.inputs[i] for i in kept)
        return replace(
            step,
            inputs=tuple(self._value(v) if isinstance(v, Value) else v for v in given),
            instance=replace(instance, inputs=inputs),
        )

    def _sum(self, step: Sum) -> Iterator[Step]:
        """The edges that are kept."""
        kept = [i for i, gate in enumerate(step.gates) if gate.at(self.assignment)]
        edges = self._steps(tuple(step.edges[i] for i in kept))
        sources = tuple(step.sources[i] for i in kept)
        gates = (ex.TRUE,) * len(kept)
        yield replace(step, edges=edges, gates=gates, sources=sources, keep=None)  # type: ignore[arg-type]

    def _operation(self, step: Operation) -> Operation:
        return replace(
            step,
            inputs=tuple(map(self._value, step.inputs)),
            supernet=self._code(step.supernet),
            plain=self._code(step.plain),
        )

    def _repeat(self, step: Repeat) -> Repeat:
        count = int(ex.number(step.count.at(self.assignment)))
        carried = []
        bodies = tuple(self._steps(body) for body in step.bodies[:count])
        for c in step.carried:
            before, after = self._value(c.before), tuple(map(self._value, c.after[:count]))
            last = after[-1] if after else before
            if c.result is not last:
                self.same[c.result] = last
            if any(value is not before for value in after):
                carried.append(Carried(c.name, before, after, last))
        return replace(step, count=ex.const(count), bodies=bodies, carried=tuple(carried))

    def _code(self, code: Code) -> Code:
        values = tuple((name, self._slot(v)) for name, v in code.values)
        return replace(
            code, values=values, layer=None if code.layer is None else self._constructor(code.layer)
        )

    def _constructor(self, make: Constructor) -> Constructor:
        options = tuple((name, self._slot(v)) for name, v in make.options)
        return replace(make, args=tuple(map(self._slot, make.args)), options=options)

    def _slot(self, value: Slot) -> Slot:
        if isinstance(value, ex.Extent):
            return ex.substitute(value, self.assignment)
        if isinstance(value, Axis):
            return axis(*(ex.substitute(s, self.assignment) for s in value.segments))
        return value
