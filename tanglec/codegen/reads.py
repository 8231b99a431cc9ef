"""What a body reads, and which layers and blocks it calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tanglec.ir.nodes import Call, Operation, Step, Value, bodies, inputs, joins


def reads(body: tuple[Step, ...], outputs: Iterable[Value]) -> Iterator[Value]:
    """Every reading of a value in a body and behind it, as often as it is read."""
    for step in body:
        yield from (v for v in inputs(step) if isinstance(v, Value))
        for _, inner in bodies(step):
            yield from reads(inner, ())
        yield from joins(step)
    yield from outputs


def own_steps(body: tuple[Step, ...]) -> Iterator[Operation | Call]:
    """The operations and calls of a body itself in order, through repetitions, conditions and choices."""
    for step in body:
        if isinstance(step, Operation | Call):
            yield step
        for _, inner in bodies(step):
            yield from own_steps(inner)


def results(step: Step) -> tuple[Value, ...]:
    """What an operation or a call gives."""
    if isinstance(step, Operation):
        return (step.output,)
    return step.results if isinstance(step, Call) else ()


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
