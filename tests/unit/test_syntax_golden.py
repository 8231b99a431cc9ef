"""Files with syntax errors beside the messages that they get.

`TANGLEC_UPDATE_GOLDEN=1 pytest tests/unit/test_syntax_golden.py` writes the messages anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tanglec.diagnostics import Sink
from tanglec.render import render
from tanglec.source import Source
from tanglec.syntax import parse

CASES = sorted((Path(__file__).parents[1] / "golden" / "syntax").glob("*.tsp"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_messages(case: Path) -> None:
    sink = Sink()
    assert parse(Source(case.name, case.read_text(encoding="utf-8")), sink) is None
    messages = render(sink.diagnostics)
    expected = case.with_suffix(".out")
    if os.environ.get("TANGLEC_UPDATE_GOLDEN"):
        expected.write_text(messages, encoding="utf-8")
    assert messages == expected.read_text(encoding="utf-8")


def test_there_are_cases() -> None:
    assert CASES
