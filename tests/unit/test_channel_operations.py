"""Ranges of channels and their order: what the operations say of a call, and what they refuse."""

from __future__ import annotations

import pytest

from tanglec.ir.nodes import Operation
from tests.spacetext import compiled, operations, refused

TEXT = """space small
input image: pixels(3, 9, 8)
dim a: 4 | 8
dim b: 2 | 6

network:
    x = {x}
    y = {body}
    return linear(mean(y), 3)
"""

ELASTIC = "conv(image, a, kernel=1)"
PARTS = "concat(conv(image, 5, kernel=1), conv(image, a, kernel=1), conv(image, b, kernel=1))"


def last(x: str, body: str, name: str) -> Operation:
    return operations(compiled(TEXT.format(x=x, body=body)), name)[-1]


@pytest.mark.parametrize(
    ("x", "arguments", "layout"),
    [
        ("conv(image, 12, kernel=1)", "4", "8"),
        ("conv(image, 12, kernel=1)", "4, 7", "3"),
        ("conv(image, 12, kernel=1)", "0, width(x) // 4", "3"),
        (ELASTIC, "0, 4", "4"),
        (ELASTIC, "1", "a - 1"),
        (PARTS, "1, 5", "4"),
        (PARTS, "5", "a ++ b"),
        (PARTS, "2, 9", "7"),
        (PARTS, "7", "a - 2 ++ b"),
    ],
)
def test_a_range_keeps_what_lies_in_it_of_every_segment(x: str, arguments: str, layout: str) -> None:
    cut = last(x, f"channel_slice(x, {arguments})", "channel_slice")
    assert str(cut.output.type.features) == layout


@pytest.mark.parametrize(
    ("x", "arguments", "code"),
    [
        ("image", "3", "TSP0305"),
        ("image", "0, 4", "TSP0305"),
        ("image", "2, 2", "TSP0305"),
        ("image", "0 - 1", "TSP0305"),
        (ELASTIC, "0, 5", "TSP0305"),  # of four channels there are no five
        (ELASTIC, "4", "TSP0305"),
        (PARTS, "0, 10", "TSP0401"),  # behind an elastic segment no channel has a place of its own
        (PARTS, "9", "TSP0401"),
        ("image", "0, a", "TSP0309"),
    ],
)
def test_a_range_that_is_not_there_is_refused(x: str, arguments: str, code: str) -> None:
    assert refused(TEXT.format(x=x, body=f"channel_slice(x, {arguments})")) == [code]


def test_a_shuffle_of_fixed_channels_is_torchs_own() -> None:
    shuffle = last("conv(image, 6, kernel=1)", "channel_shuffle(x, 3)", "channel_shuffle")
    assert shuffle.supernet == shuffle.plain and shuffle.lowerings == ("once",)


def test_a_shuffle_of_elastic_channels_is_evaluated_for_each_choice() -> None:
    shuffle = last(ELASTIC, "channel_shuffle(x, 2)", "channel_shuffle")
    assert shuffle.lowerings == ("loop",) and shuffle.plain.call == "F.channel_shuffle({0}, {groups})"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("channel_shuffle(x, 3)", "TSP0304"),
        ("channel_shuffle(x, 0)", "TSP0303"),
        ("channel_shuffle(mean(x), 2)", "TSP0302"),
    ],
)
def test_groups_are_equal(body: str, code: str) -> None:
    assert refused(TEXT.format(x=ELASTIC, body=body)) == [code]
