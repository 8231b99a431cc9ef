"""Architectures as users write them, and what is said about those that are none."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanglec.api import compile_source
from tanglec.architecture import read_architecture, show_architecture
from tanglec.diagnostics import Sink
from tanglec.driver import Options, analyse
from tanglec.ir.nodes import Space
from tanglec.library import find_space, libraries_for
from tanglec.render import render
from tanglec.source import Source

WHOLE = {"embed": 48, "depth": 3, "heads": [2, 3, 4, None], "ratio": [2, 2, 2, None]}

CONDITIONS = """
space conditions

input tokens: tokens(4, 8)

dim width: 8 | 16
dim ratio per layer: 0.5 | 1.5 | 2

require width * ratio >= 8
require params() <= 700

block layer(x):
    h = linear(x, width * ratio, bias=false)
    return x + linear(relu(h), 8)

network:
    x = tokens
    repeat 2:
        x = layer(x)
    return linear(mean(x), 2)
"""

GROUPS = """
space groups

input tokens: tokens(4, 8)

dim plus: true | false
dim width per layer of normal, reduction: 8 | 16

block layer(x):
    return linear(relu(linear(x, width)), 8)

block normal(x):
    return layer(layer(x))

block reduction(x):
    return layer(x)

network:
    x = reduction(normal(tokens))
    return linear(mean(x + x if plus else x), 2)
"""


def compiled(source: Source) -> Space:
    sink = Sink()
    space = analyse(source, libraries_for(Path(source.path)), Options({}), sink)
    assert space is not None, render(sink.diagnostics)
    return space


@pytest.fixture(scope="module")
def vit() -> Space:
    return compiled(find_space("vit_mini"))


@pytest.fixture(scope="module")
def conditions() -> Space:
    return compiled(Source("conditions.tsp", CONDITIONS))


@pytest.fixture(scope="module")
def groups() -> Space:
    return compiled(Source("groups.tsp", GROUPS))


def normal(given: Any, space: Space) -> dict[str, Any]:
    """The canonical object of an architecture that is one."""
    sink = Sink()
    assignment = read_architecture(given, space, sink)
    assert assignment is not None, render(sink.diagnostics)
    assert set(assignment) == set(space.positions)
    return show_architecture(space, assignment)


def complaints(given: Any, space: Space) -> list[tuple[str, str]]:
    """Code and marked text of every error."""
    sink = Sink()
    assert read_architecture(given, space, sink) is None
    return [(d.code, d.span.text if d.span else "") for d in sink.diagnostics]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"heads": [2, 3, 4]},  # cut to the depth
        {"heads": [2, 3, 4, 2]},  # a value where the layer is absent
        {"heads": [2, 3, 4, 17]},  # it is ignored, whatever it is
        {"embed": [48, 48, 48]},  # repeated for every layer
        {"embed": 48.0, "ratio": (2, 2.0, Fraction(2))},
    ],
)
def test_the_forms_of_the_field_mean_the_same(vit: Space, change: dict[str, Any]) -> None:
    assert normal({**WHOLE, **change}, vit) == WHOLE


def test_text_and_mapping_mean_the_same(vit: Space) -> None:
    assert normal(json.dumps(WHOLE, indent=3), vit) == WHOLE


def test_keys_come_in_the_order_of_declaration(vit: Space) -> None:
    assert list(normal(dict(reversed(WHOLE.items())), vit)) == ["embed", "depth", "heads", "ratio"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"embed": 50}, [("TSP0905", "50")]),
        ({"embed": "48"}, [("TSP0905", '"48"')]),
        ({"embed": True}, [("TSP0905", "true")]),
        ({"embed": 48.5}, [("TSP0905", "48.5")]),
        ({"embed": None}, [("TSP0903", "null")]),
        ({"embed": [48, 32]}, [("TSP0906", "[48, 32]")]),
        ({"heads": 3}, [("TSP0906", "3")]),
        ({"heads": [2, 3]}, [("TSP0903", "[2, 3]")]),
        ({"heads": [2, None, 4]}, [("TSP0903", "null")]),
        ({"heads": [2, [3], 4]}, [("TSP0905", "[3]")]),
        ({"heads": [2, 3, 4, 2, 2]}, [("TSP0905", "2")]),
        ({"head": [2]}, [("TSP0904", '"head"')]),
        ({"embed": 1, "heads": [9, 8, 4]}, [("TSP0905", "1"), ("TSP0905", "9"), ("TSP0905", "8")]),
        ({"depth": 9}, [("TSP0905", "9")]),  # whether heads[3] is there cannot be known
    ],
)
def test_every_error_points_at_its_place(
    vit: Space, change: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert complaints(json.dumps({**WHOLE, **change}), vit) == expected


def test_missing_dimensions_are_all_named(vit: Space) -> None:
    sink = Sink()
    read_architecture({"embed": 32, "dept": 2}, vit, sink)
    titles = [d.title for d in sink.diagnostics]
    assert [d.code for d in sink.diagnostics] == ["TSP0904", "TSP0903", "TSP0903", "TSP0903"]
    assert titles[1:] == ["no choice for `depth`", "no choice for `heads`", "no choice for `ratio`"]
    assert sink.diagnostics[0].help == ("did you mean `depth`?",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1]",
        "3",
        '{"embed": }',
        '{"embed": NaN}',
        '{"embed": 1, "embed": 1}',
        "[" * 100_000,
        "9" * 5000,
    ],
)
def test_what_is_no_object_at_all(vit: Space, text: str) -> None:
    assert "TSP0906" in {code for code, _ in complaints(text, vit)}


def test_the_message(vit: Space) -> None:
    sink = Sink()
    read_architecture(Source("arch.json", json.dumps({**WHOLE, "heads": [2, 5, 4]})), vit, sink)
    assert render(sink.diagnostics) == (
        "error[TSP0905]: `heads`, position 1, has no choice `5`\n"
        "--> arch.json:1:40\n"
        "  |\n"
        '1 | {"embed": 48, "depth": 3, "heads": [2, 5, 4], "ratio": [2, 2, 2, null]}\n'
        "  |                                        ^ wanted is one of 2, 3, 4\n"
        "\n"
        "1 error\n"
    )


def test_a_broken_requirement_says_where_and_why(conditions: Space) -> None:
    assert normal({"width": 16, "ratio": [0.5, 1.5]}, conditions) == {"width": 16, "ratio": [0.5, 1.5]}
    sink = Sink()
    assert read_architecture({"width": 8, "ratio": [0.5, 2]}, conditions, sink) is None
    [diagnostic] = sink.diagnostics
    assert diagnostic.code == "TSP0907"
    assert diagnostic.notes == ("ratio[0]=0.5, width=8",)
    assert diagnostic.labels[0].span.text in "require width * ratio >= 8"
    sink = Sink()
    assert read_architecture({"width": 16, "ratio": [2, 2]}, conditions, sink) is None
    assert [d.notes[0] for d in sink.diagnostics] == ["params() = 1,058"]


def test_several_scopes_are_kept_apart_by_name(groups: Space) -> None:
    given = {"plus": True, "width": {"normal": [8, 16], "reduction": [16]}}
    assert normal(given, groups) == given


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"plus": 1}, [("TSP0905", "1")]),
        ({"plus": "true"}, [("TSP0905", '"true"')]),
        ({"width": [8, 8, 8]}, [("TSP0906", "[8, 8, 8]")]),
        ({"width": {"normal": [8, 8]}}, [("TSP0906", '{"normal": [8, 8]}')]),
        ({"width": {"normal": [8, 9], "reduction": 8}}, [("TSP0906", "8"), ("TSP0905", "9")]),
        ({"width": {"normal": [8, 8], "reduction": [8], "cell": []}}, [("TSP0904", '"cell"')]),
    ],
)
def test_errors_in_several_scopes(
    groups: Space, change: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    given = {"plus": True, "width": {"normal": [8, 16], "reduction": [16]}}
    assert complaints(json.dumps({**given, **change}), groups) == expected


@given(st.data())
def test_reading_what_is_shown_gives_it_back(vit: Space, data: st.DataObject) -> None:
    chosen = {p: data.draw(st.sampled_from(p.choices)) for p in vit.positions}
    shown = show_architecture(vit, chosen)
    sink = Sink()
    assignment = read_architecture(json.dumps(shown), vit, sink)
    assert assignment is not None
    assert show_architecture(vit, assignment) == shown
    assert read_architecture(shown, vit, sink) == assignment


def test_what_is_absent_is_not_enumerated() -> None:
    """Fifteen edges of a cell that the depth leaves out have three choices each: nobody looks at 3^15 of them."""
    text = """space m
input image: pixels(3, 6, 6)
dim depth: 0 | 1 | 2 | 3
dim k: 3 | 5
dim op per e of cell: n | i | c
block e(x):
    return choose op:
        n: zero(x)
        i: x
        c: conv(x, 4, kernel=k)
block cell(x):
    nodes = dag([x], nodes=5, edge=e)
    return nodes[5]
network:
    x = conv(image, 4, kernel=3)
    repeat depth:
        x = cell(x)
    return linear(global_pool(x), 3)
"""
    space = compile_source(Source("m.tsp", text))
    absent = {"depth": 0, "k": None, "op": [None] * 15}
    assert space.costs(absent).params == 3 * 9 * 4 + 4 + 15
