"""Combi-superposition groups: which positions meet in one weight (or one reduction), and whether their blocks factorise.

Inferred, never written: an operation's group is the set of positions that its axes depend on (TangleNAS, Sukthanker et al.).
"""

from __future__ import annotations

from tanglec.ir.extents import domain_size
from tanglec.ir.nodes import Operation, Space, walk
from tanglec.record import record


@record()
class Group:
    """Operations that sum over positions of the same dimensions in the same way.

    `kind` is "single" (one axis varies), "separable" (axes vary independently: the mask is an outer product) or "joint"
    (axes share a dimension). `evaluations` is the number of joint choices that one operation sums over.
    """

    dims: tuple[str, ...]
    kind: str
    lowering: str
    evaluations: int
    operations: tuple[str, ...]  # with repetition, in order of execution


def kind_of(operation: Operation) -> str:
    """How the axes of an operation's weight depend on one another."""
    weights = operation.layer.weights if operation.layer is not None else ()
    axes = max(([set(a.positions) for a in w.axes if a.positions] for w in weights), key=len, default=[])
    if len(axes) < 2:
        return "single" if weights or len({p.dim for p in operation.sums_over}) < 2 else "joint"
    shared = any(a & b for i, a in enumerate(axes) for b in axes[:i])
    return "joint" if shared else "separable"


def groups(space: Space) -> tuple[Group, ...]:
    """The groups of a space, in order of the dimensions' declaration."""
    order = {d.name: i for i, d in enumerate(space.dimensions)}
    found: dict[tuple[tuple[str, ...], str, str, int], list[str]] = {}
    for operation, _ in walk(space.network.body):
        if operation.sums_over:
            dims = tuple(sorted({p.dim for p in operation.sums_over}, key=order.__getitem__))
            key = (dims, kind_of(operation), operation.lowering, domain_size(operation.sums_over))
            found.setdefault(key, []).append(operation.op)
    ranked = sorted(
        found.items(), key=lambda item: (len(item[0][0]), [order[d] for d in item[0][0]], item[0][1:])
    )
    return tuple(Group(*key, tuple(operations)) for key, operations in ranked)
