"""Extents: exact arithmetic over tabulated choices, and the axes and dimensions built from them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanglert import (
    Axis,
    Dim,
    Extent,
    both,
    ceil,
    either,
    floor,
    maximum,
    minimum,
    negate,
    round_to,
    where,
)
from tanglert.extent import tabulate

EMBED = Dim("embed", [192, 216, 240])
RATIO = Dim("ratio", [3.5, 4], per="layer", positions=2)
DEPTH = Dim("depth", [2, 3])
CASUAL = Dim("casual", [True, False])


def test_a_product_has_a_value_for_every_joint_choice_first_position_slowest() -> None:
    hidden = EMBED * RATIO[1]
    assert [(p.dim, p.index) for p in hidden.positions] == [("embed", 0), ("ratio", 1)]
    assert hidden.table == (672, 768, 756, 864, 840, 960)


def test_choices_are_exact() -> None:
    assert RATIO[0].table == (Fraction(7, 2), 4)
    assert (RATIO[0] * 0.1).table == (Fraction(7, 20), Fraction(2, 5))
    assert (EMBED / 5).table == (Fraction(192, 5), Fraction(216, 5), 48)


def test_positions_without_influence_are_dropped() -> None:
    assert (EMBED - EMBED) == Extent((), (0,))
    assert where(DEPTH > 1, EMBED, RATIO[0]) == EMBED[0]
    assert (EMBED + RATIO[0] - RATIO[0]) == EMBED[0]


def test_equality_is_by_value_and_eq_is_a_condition() -> None:
    assert EMBED * 2 == EMBED + EMBED
    assert hash(EMBED * 2) == hash(EMBED + EMBED)
    assert EMBED.eq(216).table == (False, True, False)
    assert EMBED.ne(216).table == (True, False, True)


@pytest.mark.parametrize(
    ("extent", "table"),
    [
        (10 - DEPTH, (8, 7)),
        (7 // DEPTH, (3, 2)),
        (7 % DEPTH, (1, 1)),
        (6 / DEPTH, (3, 2)),
        (DEPTH // 2, (1, 1)),
        (ceil(DEPTH / 2), (1, 2)),
        (floor(DEPTH / 2), (1, 1)),
        (maximum(DEPTH, 2.5), (Fraction(5, 2), 3)),
        (minimum(DEPTH, 2.5), (2, Fraction(5, 2))),
        (negate(CASUAL), (False, True)),
        (both(DEPTH >= 2, DEPTH < 3), (True, False)),
        (either(DEPTH <= 2, DEPTH > 3), (True, False)),
        (where(CASUAL, 1, DEPTH), (1, 1, 2, 3)),
    ],
)
def test_operations(extent: Extent, table: tuple[object, ...]) -> None:
    # a value that is the same for every choice is one value
    assert extent.table == (table if len(set(table)) > 1 else table[:1])


@given(st.integers(1, 2000), st.sampled_from([4, 8, 16]))
def test_round_to_is_the_fields_make_divisible(v: int, divisor: int) -> None:
    expected = max(divisor, int(v + divisor / 2) // divisor * divisor)
    if expected < 0.9 * v:
        expected += divisor
    assert round_to(v, divisor).table == (expected,)


@given(st.lists(st.sampled_from([EMBED, DEPTH, RATIO[0], RATIO[1]]), min_size=1, max_size=3))
def test_a_table_agrees_with_its_function_at_every_joint_choice(extents: list[Extent]) -> None:
    total = tabulate(lambda *values: sum(values), *extents)
    wide = tuple(p for dim in (RATIO, DEPTH, EMBED) for p in dim.positions)
    spread = [extent.over(wide) for extent in extents]
    assert total.over(wide) == [sum(values) for values in zip(*spread)]


def test_the_value_at_given_choices() -> None:
    hidden = EMBED * RATIO[1]
    assert hidden.at({EMBED.positions[0]: 2, RATIO.positions[1]: 0}) == 840
    with pytest.raises(KeyError):
        hidden.at({EMBED.positions[0]: 2})


def test_a_scoped_dimension_is_no_quantity() -> None:
    with pytest.raises(TypeError, match=r"`ratio` has a choice for every position"):
        EMBED * RATIO


def test_dimensions_refuse_what_is_no_set_of_choices() -> None:
    with pytest.raises(ValueError, match="`d` has no choice"):
        Dim("d", [])
    with pytest.raises(ValueError, match="`d` has a choice twice"):
        Dim("d", [4, 4.0])
    with pytest.raises(ValueError, match="2 conditions for 3 positions"):
        Dim("d", [1, 2], per="layer", positions=3, present=[True, True])
    assert Dim("d", [0, 1, True]).width == 3


def test_lists_give_every_position_choices_of_its_own() -> None:
    width = Dim("width", lists=[[16, 24], [112, 120, 128]], per="stage")
    assert width.shape == (2, 3)
    assert width[1].table == (112, 120, 128)


def test_an_axis_is_a_list_of_segments() -> None:
    axis = Axis(EMBED, Axis(DEPTH, 5))
    assert axis.sizes == (240, 3, 5)
    assert axis.size == 248
    assert axis.positions == (*DEPTH.positions, *EMBED.positions)
    assert axis == Axis(EMBED[0], DEPTH, 5)
    assert axis != Axis(DEPTH, EMBED, 5)
