"""Chooses how every operation is mixed, each way equal to the defining sum.

once      no sum: one evaluation
mask      one evaluation with the superposed weight
scale     one evaluation of what is scaled before and after, where masks are products of vectors
moments   prefix moments of a norm over every width
loop      one evaluation for each joint choice (always right: it is the definition)
"""

from __future__ import annotations

from tanglec.diagnostics import Sink
from tanglec.ir.extents import domain_size
from tanglec.ir.nodes import Constructor, Operation, Space, rewrite
from tanglec.passes.checks import show_positions
from tanglec.record import replace

LOWERINGS = ("auto", "mask", "scale", "loop")
MOST_EVALUATIONS = 512
MOST_WIDTHS = 16_384  # rows of the table that `moments` keeps


def choose_lowerings(space: Space, sink: Sink, lowering: str) -> Space:
    """The way that is asked for wherever an operation has it, else its best.

    With "auto" generated code itself decides between `mask` and `scale`, by the tensor at hand (see `scaling.py`).
    """

    def change(operation: Operation) -> Operation:
        ways = operation.lowerings if operation.sums_over else ("once",)
        chosen = lowering if lowering in ways else ways[0]
        _check_size(operation, chosen, sink)
        make = operation.supernet.layer
        closed = [way for way in ways if way != "loop"]  # the runtime takes one of them
        if make is not None and chosen == lowering and closed not in ([], [chosen]):
            make = Constructor(make.name, make.args, (*make.options, ("lowering", lowering)))
        if chosen == operation.lowering and make is operation.supernet.layer:
            return operation
        return replace(operation, lowering=chosen, supernet=replace(operation.supernet, layer=make))

    return replace(space, network=replace(space.network, body=rewrite(space.network.body, change)))


def _check_size(operation: Operation, lowering: str, sink: Sink) -> None:
    most = {"loop": MOST_EVALUATIONS, "moments": MOST_WIDTHS}.get(lowering)
    size = domain_size(operation.sums_over)
    if most is None or size <= most:
        return
    shown = f"{size:,}" if size < 10**12 else f"about 1e{len(str(size)) - 1}"
    verb = "would be evaluated" if lowering == "loop" else "would be mixed from"
    what = "times in a mixture" if lowering == "loop" else "widths"
    notes = [f"one for each joint choice of {show_positions(operation.sums_over)}"]
    help = ["let it depend on fewer dimensions: share a choice, or project to a fixed width before it"]
    title = f"`{operation.op}` {verb} {shown} {what}"
    sink.error("TSP0502", title, operation.span, f"at most {most:,}", notes=notes, help=help)
