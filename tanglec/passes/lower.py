"""Chooses how every operation is mixed, each way equal to the defining sum.

    once      no sum: one evaluation
    mask      one evaluation with the superposed weight
    moments   prefix moments of a norm over every width
    loop      one evaluation for each joint choice (always right: it is the definition)
"""

from __future__ import annotations

from dataclasses import replace

from tanglec.diagnostics import Sink
from tanglec.ir.extents import domain_size
from tanglec.ir.nodes import Constructor, Operation, Space, rewrite

LOWERINGS = ("auto", "loop")
MOST_EVALUATIONS = 512


def choose_lowerings(space: Space, sink: Sink, lowering: str) -> Space:
    """The best way of each operation, or `loop` wherever there is one."""

    def change(operation: Operation) -> Operation:
        ways = operation.lowerings if operation.sums_over else ("once",)
        chosen = "loop" if lowering == "loop" and "loop" in ways else ways[0]
        if chosen == "loop":
            _check_size(operation, sink)
        make = operation.supernet.layer
        if chosen == "loop" and make is not None and len(operation.lowerings) > 1:
            make = Constructor(make.name, make.args, (*make.options, ("lowering", "loop")))
        return replace(operation, lowering=chosen, supernet=replace(operation.supernet, layer=make))

    return replace(space, network=replace(space.network, body=rewrite(space.network.body, change)))


def _check_size(operation: Operation, sink: Sink) -> None:
    size = domain_size(operation.sums_over)
    if size > MOST_EVALUATIONS:
        message = f"`{operation.op}` would be evaluated {size:,} times in a mixture"
        notes = [f"once for each joint choice of {', '.join(map(str, operation.sums_over))}"]
        sink.error("TSP0502", message, operation.span, f"at most {MOST_EVALUATIONS}", notes=notes)


