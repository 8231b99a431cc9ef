"""What a body reads, and which layers and blocks it calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tanglec.ir.nodes import Branch, Call, Operation, Repeat, Step, Value


def reads(body: tuple[Step, ...], outputs: Iterable[Value]) -> Iterator[Value]:
    """Every reading of a value in a body and behind it, as often as it is read."""
    for step in body:
        if isinstance(step, Operation):
            yield from step.inputs
        elif isinstance(step, Call):
            yield from (v for v in step.inputs if isinstance(v, Value))
        elif isinstance(step, Repeat):
            for inner in step.bodies:
                yield from reads(inner, ())
            for carried in step.carried if step.bodies else ():
                yield carried.before
                yield from carried.after
        else:
            yield from reads(step.then, ())
            yield from reads(step.otherwise, ())
            for joined in step.joined:
                yield joined.then
                yield joined.otherwise
    yield from outputs


def own_steps(body: tuple[Step, ...]) -> Iterator[Operation | Call]:
    """The operations and calls of a body itself in order, through its repetitions and conditions."""
    for step in body:
        if isinstance(step, Repeat):
            for inner in step.bodies:
                yield from own_steps(inner)
        elif isinstance(step, Branch):
            yield from own_steps(step.then)
            yield from own_steps(step.otherwise)
        else:
            yield step


def sources(body: tuple[Step, ...]) -> Iterator[object]:
    """The layers, and the marks of the calls, in order."""
    for step in own_steps(body):
        if isinstance(step, Call):
            yield step.mark
        elif step.layer is not None:
            yield step.layer


def calls(body: tuple[Step, ...]) -> Iterator[Call]:
    """The calls of a body, not those of the blocks that it calls."""
    return (step for step in own_steps(body) if isinstance(step, Call))


def operations(body: tuple[Step, ...]) -> Iterator[Operation]:
    """The operations of a body itself."""
    return (step for step in own_steps(body) if isinstance(step, Operation))
