"""Parameters and multiply-adds of any architecture, in closed form: sums of terms, each under a condition."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from tanglec.ir import extents as ex
from tanglec.ir.extents import Assignment, Extent
from tanglec.ir.nodes import Instance, Layer, Operation, Space, Term, walk
from tanglec.record import record


@record()
class Costs:
    """What one architecture costs: parameters, and multiply-adds of one sample's forward pass."""

    params: int
    macs: int


def costs(space: Space, assignment: Assignment) -> Costs:
    """The costs of an architecture; `assignment` gives every position a choice (any, where it is absent)."""
    return Costs(evaluate(space.parameters, assignment), evaluate(space.multiply_adds, assignment))


def evaluate(terms: tuple[Term, ...], assignment: Assignment) -> int:
    total: int | Fraction = 0
    for term in terms:
        if term.present.at(assignment):
            total += ex.number(term.value.at(assignment))
    return int(total)


def parameter_terms(network: Instance) -> tuple[Term, ...]:
    """The number of parameters, one term for each weight; shared weights count where the first use is."""
    return _parameters(walk(network.body))


def multiply_add_terms(network: Instance) -> tuple[Term, ...]:
    """Multiply-adds for one sample: those of matrix products and convolutions, as the field counts them."""
    return _multiply_adds(walk(network.body))


def cost_terms(network: Instance) -> dict[str, tuple[Term, ...]]:
    """Both, by what a `require` calls them."""
    operations = list(walk(network.body))
    return {"params": _parameters(operations), "macs": _multiply_adds(operations)}


def _parameters(operations: Iterable[tuple[Operation, Extent]]) -> tuple[Term, ...]:
    uses: dict[Layer, list[Extent]] = {}
    for operation, present in operations:
        if operation.layer is not None:
            uses.setdefault(operation.layer, []).append(present)
    return tuple(Term(ex.any_of(places), w.count) for layer, places in uses.items() for w in layer.weights)


def _multiply_adds(operations: Iterable[tuple[Operation, Extent]]) -> tuple[Term, ...]:
    return tuple(Term(present, o.macs) for o, present in operations if o.macs != ex.const(0))
