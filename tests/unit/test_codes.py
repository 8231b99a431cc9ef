"""The registry of codes: complete, in step with the compiler and with `docs/errors/`."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

from tanglec.codes import ENTRIES, explain, pages
from tanglec.codes.entry import Entry
from tanglec.diagnostics import Sink
from tanglec.source import Source
from tanglec.syntax import parse

ROOT = Path(__file__).parents[2]
TSP = [entry for entry in ENTRIES.values() if entry.language == "tsp"]


def codes_of(text: str) -> set[str]:
    sink = Sink()
    parse(Source("example.tsp", dedent(text).strip()), sink)
    return {diagnostic.code for diagnostic in sink.diagnostics}


def test_the_pages_are_those_of_the_registry() -> None:
    """After a change: `python -m tanglec.codes`."""
    folder = ROOT / "docs" / "errors"
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == pages()


def test_every_code_that_the_sources_name_is_registered() -> None:
    sources = [*ROOT.glob("tanglec/**/*.py"), *ROOT.glob("runtime/**/*.py")]
    named = {code for path in sources for code in re.findall(r"TSP\d{4}", path.read_text(encoding="utf-8"))}
    assert named <= set(ENTRIES)


@pytest.mark.parametrize("entry", TSP, ids=lambda entry: entry.code)
def test_examples_of_the_language_are_in_the_language(entry: Entry) -> None:
    assert codes_of(entry.right) == set()
    assert codes_of(entry.wrong) == ({entry.code} if entry.code.startswith("TSP01") else set())


def test_explain_takes_a_code_as_people_type_it() -> None:
    assert explain("tsp304") == explain("304") == explain("TSP0304") == pages()["TSP0304.md"]
    with pytest.raises(KeyError):
        explain("TSP9999")
