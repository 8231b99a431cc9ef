"""The compiler's symbolic extents and the runtime's tabulated ones are the same functions of choices."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import given, reject
from hypothesis import strategies as st

import tanglert
from tanglec.codegen.expressions import extent_text
from tanglec.codegen.plain import Plain
from tanglec.codegen.polynomial import polynomial
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Position

POSITIONS = (
    Position("a", choices=(4, 6, 8)),
    Position("b", choices=(Fraction(1, 2), 1, Fraction(7, 2))),
    Position("c", 0, choices=(2, 3), scoped=True),
    Position("c", 1, choices=(2, 3), scoped=True),
)
NAMES = {
    "A": tanglert.Dim("a", [4, 6, 8]),
    "B": tanglert.Dim("b", [0.5, 1, 3.5]),
    "C": tanglert.Dim("c", [2, 3], per="layer", positions=2),
    "Fraction": Fraction,
}
FUNCTIONS = ("ceil", "floor", "maximum", "minimum", "round_to", "where", "both", "either", "negate")

leaves = st.one_of(
    st.sampled_from(POSITIONS).map(ex.choice), st.sampled_from((1, 2, 3, Fraction(5, 4), 16)).map(ex.const)
)


def operations(inner: st.SearchStrategy[Extent]) -> st.SearchStrategy[Extent]:
    binary = st.builds(ex.apply, st.sampled_from(("+", "-", "*", "/", "//", "%", "min", "max")), inner, inner)
    conditions = st.builds(ex.apply, st.sampled_from(("<", "<=", ">", ">=", "==", "!=")), inner, inner)
    return st.one_of(
        binary,
        st.builds(ex.apply, st.sampled_from(("ceil", "floor")), inner),
        st.builds(lambda x: ex.apply("round_to", x, ex.const(4)), inner),
        st.builds(lambda c, a, b: ex.apply("where", c, a, b), conditions, inner, inner),
    )


extents = st.recursive(leaves, operations, max_leaves=6)


def values(extent: Extent) -> list[tuple[dict[Position, ex.Scalar], ex.Scalar]]:
    return [(a, extent.at(a)) for a in ex.assignments(extent.positions)]


@st.composite
def sound(draw: st.DrawFn) -> Extent:
    """Division by zero is refused where a space is compiled; here it is not drawn."""
    try:
        extent = draw(extents)
        ex.table(extent)
    except ex.Undefined:
        reject()
    return extent


@given(sound())
def test_the_printed_extent_has_the_same_value_for_every_joint_choice(extent: Extent) -> None:
    scope = NAMES | {name: getattr(tanglert, name) for name in FUNCTIONS}
    printed = tanglert.extent.extent(eval(extent_text(extent)[0], {}, scope))
    places = {p: NAMES[p.dim.upper()].positions[p.index] for p in POSITIONS}  # type: ignore[union-attr]
    for assignment, value in values(extent):
        indices = {places[p]: p.choices.index(v) for p, v in assignment.items()}
        assert printed.at(indices) == value


class _Arch:
    def __init__(self, assignment: dict[Position, ex.Scalar]) -> None:
        full = {p: assignment.get(p, p.choices[0]) for p in POSITIONS}
        number = {p: float(v) if isinstance(v, Fraction) else v for p, v in full.items()}
        self.a, self.b = number[POSITIONS[0]], number[POSITIONS[1]]
        self.c = (number[POSITIONS[2]], number[POSITIONS[3]])


@given(sound())
def test_cost_formulas_have_the_same_value_multiplied_out_or_not(extent: Extent) -> None:
    for text in (Plain().text(extent), Plain().polynomial(polynomial(extent).items())):
        for assignment, value in values(extent):
            scope = {
                "arch": _Arch(assignment),
                "math": math,
                "divisible": tanglert.divisible,
                "Fraction": Fraction,
            }
            assert abs(eval(text, {}, scope) - value) < 1e-6
