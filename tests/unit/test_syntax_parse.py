"""What parses, into which tree, and where its nodes stand."""

from __future__ import annotations

import re
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanglec.diagnostics import Diagnostic, Sink
from tanglec.render import render
from tanglec.source import Source
from tanglec.syntax import ast, parse, tables
from tanglec.syntax.unparse import unparse

ROOT = Path(__file__).parents[2]
LISTINGS = re.findall(
    r"```tsp\n(.*?)```", (ROOT / "grammar" / "README.md").read_text(encoding="utf-8"), re.DOTALL
)
EXPRESSIONS = {
    "a + b * c - d": "((a + (b * c)) - d)",
    "a / b // c % d": "(((a / b) // c) % d)",
    "-a * b": "((-a) * b)",
    "not a == b and c or d": "(((not (a == b)) and c) or d)",
    "a if b else c if d else e": "(a if b else (c if d else e))",
    "a - (b - c)": "(a - (b - c))",
}


def module(text: str) -> ast.Module:
    sink = Sink()
    tree = parse(Source("x.tsp", text), sink)
    assert tree is not None, sink.diagnostics
    return tree


def errors(text: str) -> list[Diagnostic]:
    sink = Sink()
    assert parse(Source("x.tsp", text), sink) is None
    return sink.diagnostics


def grouped(node: ast.Expr) -> str:
    """The expression with all its parentheses."""
    match node:
        case ast.Binary(operator, left, right):
            return f"({grouped(left)} {operator} {grouped(right)})"
        case ast.Unary("not", operand):
            return f"(not {grouped(operand)})"
        case ast.Unary(operator, operand):
            return f"({operator}{grouped(operand)})"
        case ast.Ternary(then, condition, otherwise):
            return f"({grouped(then)} if {grouped(condition)} else {grouped(otherwise)})"
        case _:
            return node.span.text


def nodes(value: object) -> list[ast.Node]:
    """All nodes of a tree."""
    if isinstance(value, tuple):
        return [node for item in value for node in nodes(item)]
    if not isinstance(value, ast.Node):
        return []
    parts = [getattr(value, name) for name in value.__dataclass_fields__ if name != "span"]
    return [value, *nodes(tuple(parts))]


@pytest.mark.parametrize("listing", LISTINGS)
def test_the_reference_shows_the_language_and_comes_back(listing: str) -> None:
    tree = module(listing)
    assert module(unparse(tree)) == tree
    assert module(listing.rstrip().replace("\n", "\r\n")) == tree


@pytest.mark.parametrize("listing", LISTINGS)
def test_every_span_is_the_text_of_its_node(listing: str) -> None:
    for node in nodes(module(listing)):
        text = node.span.text
        if isinstance(node, ast.Name):
            assert text == node.id
        if isinstance(node, ast.Number):
            assert text == node.text
        if not isinstance(node, ast.Module):
            assert text == text.strip()
            assert text


@pytest.mark.parametrize(("text", "tree"), EXPRESSIONS.items())
def test_operators_group_as_in_python(text: str, tree: str) -> None:
    (require,) = module(f"require {text}").declarations
    assert isinstance(require, ast.Require)
    assert grouped(require.condition) == tree
    assert require.condition.span.text == text


def test_the_span_of_an_operation_holds_the_parentheses_of_its_sides() -> None:
    (require,) = module("require ((a + b)) * (c)  # product\n").declarations
    assert isinstance(require, ast.Require)
    assert require.condition.span.text == "((a + b)) * (c)"
    assert isinstance(require.condition, ast.Binary)
    assert require.condition.left.span.text == "a + b"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3.5", Fraction(7, 2)),
        ("0.1", Fraction(1, 10)),
        ("1e-3", Fraction(1, 1000)),
        ("1_000", Fraction(1000)),
    ],
)
def test_numbers_are_exact(text: str, value: Fraction) -> None:
    (param,) = module(f"param a = {text}").declarations
    assert isinstance(param, ast.Param)
    assert isinstance(param.value, ast.Number)
    assert (param.value.value, param.value.text) == (value, text)


@pytest.mark.parametrize(
    "text",
    [
        "dim op: none |\n    conv | # the usual one\n    pool\n",
        "dim op:\n    none | conv\n    | pool\n",
        "dim op: none\n    # a comment\n    | conv\n    | pool",
    ],
)
def test_choices_go_on_after_and_before_a_bar(text: str) -> None:
    (dim,) = module(text).declarations
    assert isinstance(dim, ast.Dim)
    assert [item.span.text for item in dim.lists[0].items] == ["none", "conv", "pool"]


def test_lists_go_on_after_a_comma_and_in_brackets() -> None:
    text = "dim a per b: 1 | 2,\n    3 | 4,\nuse c: d,\n    e\nblock f(\n  x,\n  y=1,\n):\n    return g(\nx,\n)\n"
    dim, use, block = module(text).declarations
    assert isinstance(dim, ast.Dim)
    assert isinstance(use, ast.Use)
    assert isinstance(block, ast.Block)
    assert (len(dim.lists), len(use.names), len(block.parameters)) == (2, 2, 2)


def test_a_body_may_stand_on_the_line_that_opens_it() -> None:
    (block,) = module("block f(x):\n    if a: x = g(x)\n    else: x = h(x)\n    return x\n").declarations
    assert isinstance(block, ast.Block)
    assert (
        block
        == module("block f(x):\n  if a:\n    x = g(x)\n  else:\n    x = h(x)\n  return x\n").declarations[0]
    )


def test_words_of_declarations_are_names_elsewhere() -> None:
    text = "param step = 1\ndim per per of of input: 1 | 2\nblock dim(space):\n    if use: input = as_\n    input += space\n"
    assert len(module(text).declarations) == 3


def test_an_empty_file_and_one_of_comments_are_modules() -> None:
    assert module("").declarations == module("# nothing\n\n   # at all").declarations == ()
    assert module("\ufeffdim a: 1 | 2").declarations


def test_errors_are_reported_for_each_declaration() -> None:
    found = errors("dim a 1\nblock f(x):\n    x == 1\n    return x[1:]\n\ndim b: 1 | 2\nparam c = None\n")
    assert [diagnostic.code for diagnostic in found] == ["TSP0101", "TSP0110", "TSP0107"]


def test_a_space_is_declared_once() -> None:
    assert [diagnostic.code for diagnostic in errors("space a\nspace b\n")] == ["TSP0211"]


@pytest.mark.parametrize(
    "text", ["(" * 3000 + "1" + ")" * 3000, "-" * 3000 + "1", "1" + " + 1" * 3000, "[" * 3000]
)
def test_deep_nesting_is_an_error_and_no_crash(text: str) -> None:
    sink = Sink()
    parse(Source("x.tsp", f"param a = {text}"), sink)
    assert {diagnostic.code for diagnostic in sink.diagnostics} <= {"TSP0117", "TSP0105"}


@pytest.mark.parametrize("text", ["1e999999999", "9" * 10_000, "0." + "3" * 41])
def test_absurd_numbers_are_refused(text: str) -> None:
    assert errors(f"param a = {text}")[0].code == "TSP0116"


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(LISTINGS), st.data())
def test_any_text_gives_a_tree_or_messages(listing: str, data: st.DataObject) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(listing))] * 2)))
    scrap = data.draw(st.text("()[]:|,.=+-*/<>!&'\"#;@ \n\tx1éif", max_size=8))
    sink = Sink()
    tree = parse(Source("x.tsp", listing[:start] + scrap + listing[start + (end - start) % 9 :]), sink)
    assert (tree is None) == bool(sink.diagnostics)
    assert all(diagnostic.span is not None for diagnostic in sink.diagnostics)
    render(sink.diagnostics)


def test_long_comments_and_many_blank_lines_are_fast() -> None:
    rest = f"{'#' * 5000}\n{' ' * 5000}\n" + "\n" * 5000
    assert len(module(f"dim a: 1 | 2 {rest}block f(x):\n    return x\n").declarations) == 2


def test_lark_is_imported_by_the_first_parse_only() -> None:
    program = "import sys, tanglec.syntax; print('lark' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def fresh_tables(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    tables.tables.cache_clear()


def test_tables_are_cached_and_made_again_where_the_file_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh_tables(monkeypatch, tmp_path)
    module("dim a: 1 | 2")
    (file,) = (tmp_path / "tanglec").iterdir()
    content = file.read_bytes()
    for broken in (b"", content[:100], content):
        file.write_bytes(broken)
        fresh_tables(monkeypatch, tmp_path)
        module("dim a: 1 | 2")
        assert file.stat().st_size > 10_000


def test_a_cache_that_others_can_write_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tanglec").mkdir()
    (tmp_path / "tanglec").chmod(0o777)
    fresh_tables(monkeypatch, tmp_path)
    module("dim a: 1 | 2")
    assert not list((tmp_path / "tanglec").iterdir())


def test_no_cache_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    fresh_tables(monkeypatch, tmp_path / "file")
    module("dim a: 1 | 2")
