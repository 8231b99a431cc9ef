"""The lexer looks for all terminals at once, and finds what lark's own finds, which looks for those that are allowed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Lark, UnexpectedInput

from tanglec.syntax.layout import Layout, Misaligned
from tanglec.syntax.tables import tables

ROOT = Path(__file__).parents[2]
TEXTS = sorted([*ROOT.glob("spaces/**/*.tsp"), *ROOT.glob("tests/golden/**/*.tsp")])
PIECES = (
    *"space use param input dim require notation block network per of as step step_ if else choose entangled repeat".split(),
    *"return and or not true none nonesuch x period ofs 1 1.5e3 .. . ( ) [ ] : , | = == != < += + - * / // % ! ? \"t\" \"".split(),
    *("\n", "\n    ", "\n        ", "\n    | 3", " # |\n", "\t", "\ufeff"),
)  # fmt: skip


@cache
def larks_own() -> Lark:
    grammar = (ROOT / "grammar" / "tsp.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", start="module", postlex=Layout(), propagate_positions=True)


def seen(lark: Lark, text: str) -> object:
    """All that is read off a parse: the tree with its places, or where it fails, on what, and what could stand there."""
    try:
        tree = lark.parse(text)
    except Misaligned as error:
        return error.offset
    except UnexpectedInput as error:
        token = getattr(error, "token", None)
        wanted = getattr(error, "accepts", None), getattr(error, "allowed", None)
        return type(error), error.pos_in_stream, token and (token.type, str(token)), wanted
    places = [(t.data, t.meta.start_pos, t.meta.end_pos) for t in tree.iter_subtrees() if not t.meta.empty]
    return tree, places


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.stem)
def test_texts_parse_as_by_lark(path: Path) -> None:
    text = f"\n{path.read_bytes().decode(errors='replace')}\n"
    assert seen(tables(), text) == seen(larks_own(), text)


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.sampled_from(TEXTS[:40]), st.integers(0, 10**4))
def test_any_text_parses_as_by_lark(pieces: list[str], path: Path, place: int) -> None:
    text = path.read_bytes().decode(errors="replace")
    place %= len(text) + 1
    spliced = f"\n{text[:place]} {' '.join(pieces)}{text[place:]}\n"
    for each in (spliced, f"\n{' '.join(pieces)}\n"):
        assert seen(tables(), each) == seen(larks_own(), each)
