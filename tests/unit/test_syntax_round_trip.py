"""Any tree comes back from its text, and its text from the tree."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tanglec.diagnostics import Sink
from tanglec.source import Source, Span
from tanglec.syntax import ast, parse
from tanglec.syntax.unparse import unparse

SPAN = Span(Source("", ""), 0, 0)
WORDS = ("x", "y", "width", "step", "of", "per", "input", "dim", "block", "use", "space", "network", "_1")

names = st.builds(ast.Name, st.sampled_from(WORDS), span=st.just(SPAN))
numbers = st.sampled_from(["0", "3", "12_000", "3.5", "3.50", "1e-3", "2.5E+2"]).map(
    lambda text: ast.Number(Fraction(text.replace("_", "")), text, span=SPAN)
)
booleans = st.builds(ast.Boolean, st.booleans(), span=st.just(SPAN))
nothing = st.just(ast.Nothing(span=SPAN))
labels = names | numbers | booleans | nothing


def some(strategy: st.SearchStrategy, least: int = 1) -> st.SearchStrategy:
    return st.lists(strategy, min_size=least, max_size=3).map(tuple)


def node(kind: type, *parts: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(kind, *parts, span=st.just(SPAN))


def compound(inner: st.SearchStrategy) -> st.SearchStrategy:
    operators = ("+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or")
    return st.one_of(
        node(ast.Unary, st.sampled_from(["-", "not"]), inner),
        node(ast.Binary, st.sampled_from(operators), inner, inner),
        node(ast.Ternary, inner, inner, inner),
        node(ast.Call, names, some(node(ast.Argument, st.none() | names, inner), 0)),
        node(ast.Index, inner, inner),
        node(ast.Slice, inner, st.none() | inner, st.none() | inner),
        node(ast.List, some(inner, 0)),
    )


expressions = st.recursive(labels, compound, max_leaves=8)
arms = node(ast.Arm, labels, expressions)
chooses = node(ast.Choose, names, some(arms | node(ast.Entangled, some(arms))))
values = some(expressions) | chooses.map(lambda choose: (choose,))
simple = st.one_of(
    node(ast.Assign, some(names), values),
    node(ast.AugAssign, names, st.sampled_from("+-*/"), expressions | chooses),
    node(ast.Return, values),
)
statements = st.recursive(
    simple,
    lambda inner: (
        node(ast.If, expressions, some(inner), some(inner, 0))
        | node(ast.Repeat, expressions, st.none() | names, some(inner))
    ),
    max_leaves=4,
)
choices = node(
    ast.Choices, some(expressions | node(ast.Range, expressions, expressions, st.none() | expressions))
).filter(lambda part: not any(isinstance(item, ast.List) for item in part.items))
dims = node(ast.Dim, names, st.none(), st.just(()), some(choices)) | node(
    ast.Dim, names, names, some(names, 0), some(choices)
)
renamings = node(ast.Renaming, names, names.map(lambda name: (name,)), st.just(False)) | node(
    ast.Renaming, names, some(names), st.just(True)
)
declarations = st.one_of(
    node(ast.Use, names, some(names)),
    node(ast.Param, names, expressions),
    node(ast.Input, names, names, some(expressions, 0)),
    dims,
    node(ast.Require, expressions),
    node(ast.Notation, names, some(renamings)),
    node(ast.Block, names, some(node(ast.Parameter, names, st.none() | expressions), 0), some(statements)),
    node(ast.Network, some(statements)),
)
headers = node(ast.Header, names, st.sampled_from(["", "a title: 1 | 2 # no comment"]))
modules = node(ast.Module, st.none() | headers, some(declarations, 0))


def parsed(text: str) -> ast.Module:
    sink = Sink()
    module = parse(Source("x.tsp", text), sink)
    assert module is not None, (text, sink.diagnostics)
    return module


@settings(max_examples=150, deadline=None)
@given(modules)
def test_a_tree_comes_back_from_its_text(module: ast.Module) -> None:
    text = unparse(module)
    again = parsed(text)
    assert again == module
    assert unparse(again) == text


@settings(max_examples=50, deadline=None)
@given(modules, st.sampled_from(["\r\n", "\n\n", "  # say why\n", "\n    # say why\n"]))
def test_line_ends_and_comments_change_nothing(module: ast.Module, line_end: str) -> None:
    assert parsed(unparse(module).rstrip("\n").replace("\n", line_end)) == module
