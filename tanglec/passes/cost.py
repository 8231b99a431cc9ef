"""Parameters and multiply-adds of any architecture, in closed form: sums of terms, each under a condition."""

from __future__ import annotations

from fractions import Fraction

from tanglec.ir import extents as ex
from tanglec.ir.extents import Assignment, Extent
from tanglec.ir.nodes import Instance, Layer, Space, Term, walk
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
    uses: dict[Layer, list[Extent]] = {}
    for operation, present in walk(network.body):
        if operation.layer is not None:
            uses.setdefault(operation.layer, []).append(present)
    return tuple(Term(ex.any_of(places), w.count) for layer, places in uses.items() for w in layer.weights)


def multiply_add_terms(network: Instance) -> tuple[Term, ...]:
    """Multiply-adds for one sample: those of matrix products and convolutions, as the field counts them."""
    return tuple(Term(present, o.macs) for o, present in walk(network.body) if o.macs != ex.const(0))
