"""What the compiler says of spaces that are wrong: each `.tsp` in `golden/errors` beside the messages that it gets.

`TANGLEC_UPDATE_GOLDEN=1 pytest tests/unit/test_diagnostics.py` writes the messages anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from textwrap import dedent

import pytest

from tanglec.codes import ENTRIES
from tanglec.codes.entry import Entry
from tanglec.diagnostics import Diagnostic, Sink
from tanglec.driver import Options, analyse
from tanglec.ir.extents import Scalar
from tanglec.library import libraries_for
from tanglec.render import render
from tanglec.source import Source

FOLDER = Path(__file__).parents[1] / "golden" / "errors"
CASES = sorted(FOLDER.glob("*.tsp"))

DOCUMENTED = [e for e in ENTRIES.values() if e.code[3:5] in ("02", "03", "04", "05") and e.language == "tsp"]

# Raised by the command line, not by the compiler.
ELSEWHERE = {"TSP0404"}


def diagnostics(text: str, name: str = "space.tsp", **params: Scalar) -> list[Diagnostic]:
    sink = Sink()
    space = analyse(Source(name, text), libraries_for(Path(name)), Options(params), sink)
    assert (space is None) == sink.failed
    return sink.diagnostics


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_golden_messages(case: Path) -> None:
    messages = render(diagnostics(case.read_text(encoding="utf-8"), case.name))
    expected = case.with_suffix(".out")
    if os.environ.get("TANGLEC_UPDATE_GOLDEN"):
        expected.write_text(messages, encoding="utf-8")
    assert messages == expected.read_text(encoding="utf-8")


def test_every_code_of_the_compiler_has_a_golden_message() -> None:
    shown = {code for path in FOLDER.glob("*.out") for code in re.findall(r"TSP\d{4}", path.read_text())}
    compiler = {code for code in ENTRIES if code[3:5] in ("02", "03", "04", "05")}
    assert compiler - shown - ELSEWHERE == {"TSP0214"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_every_error_is_at_a_place_in_the_users_own_file(case: Path) -> None:
    for diagnostic in diagnostics(case.read_text(encoding="utf-8"), case.name):
        assert diagnostic.span is not None and diagnostic.span.source.path == case.name


def whole(example: str) -> str:
    """An example of a page with what it leaves out: the `space` line, an input, a network that calls its last block."""
    text = dedent(example).strip() + "\n"
    if text.startswith("space "):
        return text
    if not re.search("^input ", text, re.MULTILINE):
        text = "input image: vector(64)\n" + text
    if "network:" not in text:
        block = re.findall(r"^block (\w+)", text, re.MULTILINE)[-1:]
        text += f"network:\n    return linear({block[0] + '(image)' if block else 'image'}, 10)\n"
    return "space example\n" + text


@pytest.mark.parametrize("entry", DOCUMENTED, ids=lambda entry: entry.code)
def test_the_examples_of_the_pages_are_true(entry: Entry) -> None:
    wrong = diagnostics(whole(entry.wrong))
    if entry.code != "TSP0203":  # a warning
        wrong = [d for d in wrong if d.severity == "error"]
    assert {d.code for d in wrong} == {entry.code}
    assert not [d for d in diagnostics(whole(entry.right)) if d.severity == "error"]


SPACE = """
space example
input image: pixels(3, 8, 8)
dim op: whole | half
dim kernel: 3 | 5
network:
    x = choose op:
        {arms}
    return linear(mean(x), 10)
"""


@pytest.mark.parametrize(
    "arms, why",
    [
        ("whole: image\n        half: conv(image, 5, kernel=kernel)", ""),
        (
            "whole: image\n        half: max_pool(image, kernel=2, stride=2)",
            "the arms of a `choose` differ in size",
        ),
        (
            "whole: image\n        half: image if op == half and kernel == 3 else relu(image)",
            "",  # `op` is `half` in that arm; it is `kernel` that decides
        ),
    ],
    ids=["widths are padded", "sizes in space are not", "inside its arm a choice is settled"],
)
def test_what_keeps_a_choice_of_arms_from_a_mixture(arms: str, why: str) -> None:
    sink = Sink()
    text = SPACE.format(arms=arms).lstrip()
    space = analyse(Source("space.tsp", text), libraries_for(Path("space.tsp")), Options({}), sink)
    assert space is not None, render(sink.diagnostics)
    assert {d.name: d.sampled_only for d in space.dimensions}["op"] == why


def test_params_of_the_command_line_are_checked() -> None:
    text = 'space s "S"\nparam classes = 10\ninput x: vector(8)\nnetwork:\n    return linear(x, classes)\n'
    assert diagnostics(text, classes=3) == []
    (unknown,) = diagnostics(text, clases=3)
    assert (unknown.code, unknown.help) == ("TSP0214", ("did you mean `classes`?",))
    (wrong,) = diagnostics(text, classes="ten")
    assert (wrong.code, wrong.title) == ("TSP0214", "param `classes` cannot be `ten`")
