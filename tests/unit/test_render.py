"""What a diagnostic looks like in each format."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from tanglec.diagnostics import Diagnostic, Label
from tanglec.render import FORMATS, render, summary
from tanglec.source import Source, Span
from tanglec.spelling import closest

TEXT = """\
space lm

dim heads per layer: 5 | 8

block layer(x):
    x += attention(layer_norm(x), heads=heads, head_dim=embed / heads)

    return x
"""
SOURCE = Source("spaces/lm.tsp", TEXT)


def at(text: str, source: Source = SOURCE) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


NOT_DIVISIBLE = Diagnostic(
    "TSP0304",
    "`embed` is not divisible by `heads`",
    at("embed / heads"),
    "a head's width must be a whole number",
    (Label(at("heads"), "one of 5, 8"),),
    ("fails for 2 of 6 combinations,\ne.g. embed=384, heads=5",),
    ("drop 5 from `heads`",),
)
UNUSED = Diagnostic("TSP0203", "block `layer` is never used", at("layer"), severity="warning")
NOWHERE = Diagnostic("TSP0912", "torch is not installed", help=("pip install torch",))


def shown(diagnostic: Diagnostic) -> str:
    return render([diagnostic])


def test_full_shows_every_marked_line_once_with_notes_and_help() -> None:
    assert render([NOT_DIVISIBLE, NOWHERE, UNUSED]) == dedent(
        """\
        error[TSP0304]: `embed` is not divisible by `heads`
        --> spaces/lm.tsp:6:57
          |
        3 | dim heads per layer: 5 | 8
          |     ----- one of 5, 8
          …
        6 |     x += attention(layer_norm(x), heads=heads, head_dim=embed / heads)
          |                                                         ^^^^^^^^^^^^^ a head's width must be a whole number
          |
          = note: fails for 2 of 6 combinations,
                  e.g. embed=384, heads=5
          = help: drop 5 from `heads`

        error[TSP0912]: torch is not installed
           = help: pip install torch

        warning[TSP0203]: block `layer` is never used
        --> spaces/lm.tsp:3:15
          |
        3 | dim heads per layer: 5 | 8
          |               ^^^^^

        2 errors, 1 warning
        """
    )


def test_several_labels_on_one_line_stand_below_one_another() -> None:
    labels = (Label(at("layer_norm"), "normalised"), Label(at("head_dim"), "this argument"))
    diagnostic = Diagnostic("TSP0304", "not divisible", at("embed / heads"), "no", labels)
    assert shown(diagnostic).splitlines()[3:7] == [
        "6 |     x += attention(layer_norm(x), heads=heads, head_dim=embed / heads)",
        "  |                    ----------                  -------- ^^^^^^^^^^^^^ no",
        "  |                                                this argument",
        "  |                    normalised",
    ]


def test_one_line_between_two_labels_is_shown_instead_of_a_gap() -> None:
    diagnostic = Diagnostic("TSP0203", "t", at("return x"), labels=(Label(at("x +="), "here"),))
    assert "7 |\n8 |     return x\n" in shown(diagnostic)
    assert "…" not in shown(diagnostic)


def test_marks_stand_under_tabs_and_wide_characters() -> None:
    source = Source("x.tsp", "a\tb 宽度 e\u0301 = here\n")
    assert shown(Diagnostic("TSP0102", "t", at("here", source))).splitlines()[3:5] == [
        "1 | a   b 宽度 e\u0301 = here",
        "  |                ^^^^",
    ]


def test_a_span_over_several_lines_is_marked_to_the_end_of_its_first() -> None:
    source = Source("x.tsp", "block f(x):\r\n    return x\r\n")
    lines = shown(Diagnostic("TSP0203", "t", Span(source, 0, len(source.text)))).splitlines()
    assert lines[3:5] == ["1 | block f(x):", "  | ^^^^^^^^^^^"]


def test_an_empty_span_at_the_end_of_the_text_has_a_mark() -> None:
    source = Source("x.tsp", "dim a:")
    assert "  |       ^" in shown(Diagnostic("TSP0101", "t", Span(source, 6, 6)))
    assert "^" in shown(Diagnostic("TSP0101", "t", Span(Source("x.tsp", ""), 0, 0)))


def test_labels_in_another_file_get_an_excerpt_of_their_own() -> None:
    library = Source("lib/cnn.tsp", "block squeeze(x):\n")
    diagnostic = Diagnostic(
        "TSP0205", "t", at("attention"), labels=(Label(at("squeeze", library), "nearest"),)
    )
    assert "::: lib/cnn.tsp:1:7\n  |\n1 | block squeeze(x):\n  |       ------- nearest\n" in shown(diagnostic)


def test_concise_is_one_line_each() -> None:
    assert render([NOT_DIVISIBLE, NOWHERE], "concise").splitlines() == [
        "spaces/lm.tsp:6:57: TSP0304 `embed` is not divisible by `heads`",
        "TSP0912 torch is not installed",
        "2 errors",
    ]


def test_json_holds_everything() -> None:
    content = json.loads(render([NOT_DIVISIBLE, UNUSED], "json"))
    assert (content["errors"], content["warnings"]) == (1, 1)
    first = content["diagnostics"][0]
    assert first["place"] == {
        "path": "spaces/lm.tsp",
        "line": 6,
        "column": 57,
        "end_line": 6,
        "end_column": 70,
    }
    assert first["labels"][0]["text"] == "one of 5, 8"
    assert first["help"] == ["drop 5 from `heads`"]
    assert json.loads(render([], "json")) == {"diagnostics": [], "errors": 0, "warnings": 0}


def test_github_escapes_what_would_end_a_command() -> None:
    source = Source("a,b:c.tsp", "x\n")
    diagnostic = Diagnostic("TSP0101", "100% wrong", at("x", source), help=("one\ntwo",))
    assert render([diagnostic], "github") == (
        "::error file=a%2Cb%3Ac.tsp,line=1,endLine=1,col=1,title=TSP0101::100%25 wrong%0Ahelp: one%0Atwo\n"
    )


def test_colour_adds_escapes_and_nothing_else() -> None:
    import re

    coloured = render([NOT_DIVISIBLE, UNUSED], colour=True)
    assert coloured != (plain := render([NOT_DIVISIBLE, UNUSED]))
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "json"])
def test_nothing_to_say_is_the_empty_text(format: str) -> None:
    assert render([], format) == ""
    assert summary([]) == ""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("layernorm", "layer_norm"),
        ("embd", "embed"),
        ("haeds", "heads"),
        ("Linear", "linear"),
        ("zzzz", None),
        ("x", None),
    ],
)
def test_closest_is_what_was_meant(typed: str, meant: str | None) -> None:
    assert closest(typed, ["layer_norm", "embed", "heads", "linear", "y"]) == meant
