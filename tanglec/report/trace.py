"""The network as one architecture runs it: repetitions, conditions and choices resolved, nothing left that is not taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from tanglec.ir import extents as ex
from tanglec.ir.extents import Assignment, Position, show_scalar
from tanglec.ir.nodes import (
    Branch,
    Call,
    Choose,
    Instance,
    Operation,
    Repeat,
    Scan,
    Step,
    Sum,
    Value,
    bodies,
    inputs,
)
from tanglec.record import record


@record()
class Act:
    """Something that is done: the step, what it reads, what it makes. `sum` adds its inputs, `alias` renames its only one."""

    kind: str  # "do", "sum" or "alias"
    step: Step
    reads: tuple[Value, ...]
    makes: tuple[Value, ...]
    kept: bool = True  # an edge of a `dag` that is not kept is done nowhere


def acts(body: Sequence[Step], assignment: Assignment) -> Iterator[Act]:
    """What an architecture does of a body, in order; blocks that are called stay closed."""
    for step in body:
        match step:
            case Operation():
                yield Act("sum" if step.op == "add" else "do", step, _tensors(step), (step.output,))
            case Call():
                yield Act("do", step, read(step, assignment), step.results)
            case Repeat():
                count = int(ex.number(step.count.at(assignment)))
                for inner in step.bodies[:count]:
                    yield from acts(inner, assignment)
                for c in step.carried:
                    yield Act("alias", step, (c.after[count - 1] if count else c.before,), (c.result,))
            case Branch():
                holds = step.condition.at(assignment)
                yield from acts(step.then if holds else step.otherwise, assignment)
                for j in step.joined:
                    yield Act("alias", step, (j.then if holds else j.otherwise,), (j.result,))
            case Choose():
                arm = next(arm for arm in step.arms if arm.condition.at(assignment))
                yield from acts(arm.body, assignment)
                yield Act("alias", step, (arm.value,), (step.result,))
            case Sum():
                for edge, gate in zip(step.edges, step.gates, strict=True):
                    yield Act("do", edge, read(edge, assignment), edge.results, bool(gate.at(assignment)))
                yield Act("sum", step, tuple(e.results[0] for e in step.edges), (step.result,))
            case Scan():
                yield Act("do", step, _tensors(step), (step.result,))


def _tensors(step: Step) -> tuple[Value, ...]:
    return tuple(value for value in inputs(step) if isinstance(value, Value))


def read(call: Call, assignment: Assignment) -> tuple[Value, ...]:
    """The tensors that a block makes something of; some are given for their width alone."""
    body = acts(call.instance.body, assignment)
    used = {*(value for act in body for value in act.reads), *call.instance.outputs}
    pairs = zip(call.inputs, call.instance.inputs, strict=True)
    return tuple(given for given, (_, inner) in pairs if isinstance(given, Value) and inner in used)


def gives_zero(call: Call, assignment: Assignment) -> bool:
    """Whether a block returns zeros only: the choice that stands for no edge."""
    made = {value: act for act in acts(call.instance.body, assignment) for value in act.makes}
    act = made.get(call.instance.outputs[0])
    while act is not None and act.kind == "alias":
        act = made.get(act.reads[0])
    return act is not None and isinstance(act.step, Operation) and act.step.op == "zero"


@lru_cache(maxsize=4_000)
def positions(instance: Instance) -> tuple[Position, ...]:
    """The positions at which something inside an instance is chosen, by dimension and order."""
    return tuple(sorted(set(_positions(instance.body))))


def _positions(body: Sequence[Step]) -> Iterator[Position]:
    for step in body:
        match step:
            case Operation():
                yield from step.output.type.positions
                yield from step.sums_over
                for weight in step.layer.weights if step.layer is not None else ():
                    yield from weight.positions
            case Call():
                yield from positions(step.instance)
            case Repeat():
                yield from step.count.positions
            case Branch():
                yield from step.condition.positions
            case Choose():
                yield from step.on.positions
            case Sum() if step.keep is not None:
                yield from step.keep.positions
            case Scan():
                yield from positions(step.call.instance)
        for _, inner in bodies(step):
            yield from _positions(inner)


def label(call: Call, assignment: Assignment) -> str:
    """What a block is at an architecture: the operation that is chosen, or its name; and sizes that are its own."""
    names, sizes = [], []
    for position in positions(call.instance) if call.instance.body else ():
        if position.scoped:
            value = assignment[position]
            if isinstance(value, str):
                names.append(value)
            elif not isinstance(value, bool):
                sizes.append(f"{position.dim} {show_scalar(value)}")
    return ", ".join([*(names or [call.instance.block]), *sizes])
