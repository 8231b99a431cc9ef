"""Blocks that say nothing, written where they are called: of a stand-alone network's edges many only hand their input on.

Only blocks without layers are, so that the keys of the `state_dict` stay those of the supernet. Bodies of repetitions keep their
calls, for these share one loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tanglec.ir.nodes import Call, Carried, Code, Instance, Layer, Operation, Repeat, Scan, Step, Sum, Value


def inlined(network: Instance) -> Instance:
    """A network without choices and conditions; calls of blocks that are at most one operation are that operation."""
    return _Inliner().instance(network)


class _Inliner:
    def __init__(self) -> None:
        self.same: dict[Value, Value] = {}

    def instance(self, instance: Instance) -> Instance:
        body = tuple(self._steps(instance.body))
        return replace(instance, body=body, outputs=tuple(map(self._value, instance.outputs)))

    def _value(self, value: Value) -> Value:
        return self._value(self.same[value]) if value in self.same else value

    def _steps(self, steps: tuple[Step, ...]) -> Iterator[Step]:
        for step in steps:
            if isinstance(step, Operation):
                yield replace(step, inputs=tuple(map(self._value, step.inputs)))
            elif isinstance(step, Call):
                yield from self._called(self._call(step))
            elif isinstance(step, Repeat):
                yield self._repeat(step)
            elif isinstance(step, Sum):
                yield from self._sum(step)
            elif isinstance(step, Scan):
                xs, initial = self._value(step.xs), self._value(step.initial)
                yield replace(step, call=self._call(step.call), xs=xs, initial=initial)

    def _call(self, step: Call) -> Call:
        given = tuple(self._value(v) if isinstance(v, Value) else v for v in step.inputs)
        return replace(step, inputs=given, instance=self.instance(step.instance))

    def _called(self, call: Call) -> Iterator[Step]:
        """The call, or what the block does with its own inputs."""
        if not _says_nothing(call.instance):
            yield call
            return
        pairs = zip(call.instance.inputs, call.inputs, strict=True)
        inside: dict[Value | Layer, Value] = {}
        inside |= {v: given for (_, v), given in pairs if isinstance(given, Value)}
        for step in call.instance.body:
            assert isinstance(step, Operation)
            output = Value(step.output.type, call.results[0].name, step.output.span)
            yield replace(step, inputs=tuple(inside[v] for v in step.inputs), output=output)
            inside[step.output] = output
        self.same |= {r: inside[v] for r, v in zip(call.results, call.instance.outputs, strict=True)}

    def _repeat(self, step: Repeat) -> Repeat:
        bodies = tuple(tuple(self._repeated(body)) for body in step.bodies)
        carried = tuple(
            Carried(c.name, self._value(c.before), tuple(map(self._value, c.after)), self._value(c.result))
            for c in step.carried
        )
        return replace(step, bodies=bodies, carried=carried)

    def _repeated(self, body: tuple[Step, ...]) -> Iterator[Step]:
        for step in body:
            if isinstance(step, Call):
                yield self._call(step)
            else:
                yield from self._steps((step,))

    def _sum(self, step: Sum) -> Iterator[Step]:
        """The sum of the edges, as one operation where some are no calls any more."""
        calls = [self._call(edge) for edge in step.edges]
        if not any(_says_nothing(call.instance) for call in calls):
            yield replace(step, edges=tuple(calls))
            return
        for call in calls:
            yield from self._called(call)
        terms = tuple(self._value(call.results[0]) for call in calls)
        code = Code(" + ".join(f"{{{i}}}" for i in range(len(terms))))
        yield Operation("sum", terms, step.result, code, code, step.span)


def _says_nothing(instance: Instance) -> bool:
    """Whether a block is one operation without a layer, or none."""
    plain = all(isinstance(s, Operation) and s.layer is None and s.tied is None for s in instance.body)
    return plain and len(instance.body) <= 1 and len(instance.outputs) == 1
