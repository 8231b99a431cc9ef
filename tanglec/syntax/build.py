"""From lark's tree to the abstract syntax tree, with exact spans."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from lark import Token, Tree

from tanglec.diagnostics import Sink
from tanglec.source import Source, Span
from tanglec.syntax import ast
from tanglec.syntax.habits import report_keyword

MAX_DIGITS = 40
MAX_EXPONENT = 40
MAX_DEPTH = 100  # the passes recurse over expressions: far from Python's own limit

Item = Any  # what lark gives for an element of a rule: a Token, a Tree, or None where it was left out


class Builder:
    """One method a rule of the grammar, with the rule's name. `shift` is where the parsed text begins in the source."""

    def __init__(self, source: Source, sink: Sink, shift: int) -> None:
        self.source = source
        self.sink = sink
        self.shift = shift
        self.depth = 0

    def node(self, tree: Item) -> Any:
        method: Callable[..., Any] = getattr(self, f"_{tree.data}")
        span = self.span(tree)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.sink.error(
                "TSP0117", f"nested more than {MAX_DEPTH} deep", span, help=["name the parts: `a = …`"]
            )
        built = method(span, *tree.children)
        self.depth -= 1
        return built

    def nodes(self, trees: Sequence[Item]) -> tuple[Any, ...]:
        return tuple(self.node(tree) for tree in trees)

    def maybe(self, tree: Item) -> Any:
        return None if tree is None else self.node(tree)

    def span(self, item: Item) -> Span:
        place = item if isinstance(item, Token) else item.meta
        length = len(self.source.text)
        start = max(0, (place.start_pos or 0) + self.shift)
        return Span(self.source, start, min(length, max(start, (place.end_pos or 0) + self.shift)))

    def name(self, token: Token) -> ast.Name:
        span = self.span(token)
        if keyword.iskeyword(token) or token == "self":
            report_keyword(str(token), span, self.sink)
        return ast.Name(str(token), span=span)

    def names(self, tree: Item) -> tuple[ast.Name, ...]:
        return tuple(self.name(token) for token in tree.children) if tree is not None else ()

    def values(self, tree: Item) -> tuple[ast.Expr, ...]:
        return self.nodes(tree.children) if tree is not None else ()

    # --- declarations ------------------------------------------------------------------------------------------------

    def module(self, tree: Tree[Token]) -> ast.Module:
        built = self.nodes(tree.children)
        headers = [node for node in built if isinstance(node, ast.Header)]
        declarations = tuple(node for node in built if not isinstance(node, ast.Header))
        for header in headers[1:]:
            self.sink.error(
                "TSP0211",
                "a file declares one space",
                header.span,
                "the second one",
                help=["delete this line"],
            )
        span = Span(self.source, 0, len(self.source.text))
        return ast.Module(headers[0] if headers else None, declarations, span=span)

    def _header(self, span: Span, name: Token, title: Token | None) -> ast.Header:
        return ast.Header(self.name(name), title[1:-1] if title else "", span=span)

    def _use(self, span: Span, library: Token, names: Item) -> ast.Use:
        return ast.Use(self.name(library), self.names(names), span=span)

    def _param(self, span: Span, name: Token, value: Item) -> ast.Param:
        return ast.Param(self.name(name), self.node(value), span=span)

    def _input(self, span: Span, name: Token, kind: Token, arguments: Item) -> ast.Input:
        return ast.Input(self.name(name), self.name(kind), self.values(arguments), span=span)

    def _dim(self, span: Span, name: Token, per: Token | None, of: Item, *lists: Item) -> ast.Dim:
        scope = self.name(per) if per is not None else None
        if of is not None and scope is None:
            self.sink.error(
                "TSP0114",
                "`of` without `per`",
                self.span(of),
                "shared by what?",
                help=[
                    f"write `dim {name} per B of {self.span(of).text}: …`, where `B` is the block that chooses"
                ],
            )
        return ast.Dim(self.name(name), scope, self.names(of), self.nodes(lists), span=span)

    def _choices(self, span: Span, *items: Item) -> ast.Choices:
        built = self.nodes(items)
        for item in built:
            if isinstance(item, ast.List):
                choices = " | ".join(choice.span.text for choice in item.items)
                self.sink.error(
                    "TSP0114",
                    "choices are not a list",
                    item.span,
                    help=[f"separate them by `|`: `{choices}`"],
                )
        return ast.Choices(built, span=span)

    def _range(self, span: Span, start: Item, stop: Item, step: Item) -> ast.Range:
        return ast.Range(self.node(start), self.node(stop), self.maybe(step), span=span)

    def _require(self, span: Span, condition: Item) -> ast.Require:
        return ast.Require(self.node(condition), span=span)

    def _notation(self, span: Span, name: Token, *keys: Item) -> ast.Notation:
        return ast.Notation(self.name(name), self.nodes(keys), span=span)

    def _renaming(self, span: Span, key: Token, dims: Item) -> ast.Renaming:
        listed = not isinstance(dims, Token)
        return ast.Renaming(
            self.name(key), self.names(dims) if listed else (self.name(dims),), listed, span=span
        )

    def _block(self, span: Span, name: Token, *rest: Item) -> ast.Block:
        parameters, body = self.nodes([tree for tree in rest[:-1] if tree is not None]), self.body(rest[-1])
        return ast.Block(self.name(name), parameters, body, span=_upto(span, body))

    def _parameter(self, span: Span, name: Token, default: Item) -> ast.Parameter:
        return ast.Parameter(self.name(name), self.maybe(default), span=span)

    def _network(self, span: Span, suite: Item) -> ast.Network:
        body = self.body(suite)
        return ast.Network(body, span=_upto(span, body))

    # --- statements --------------------------------------------------------------------------------------------------

    def body(self, suite: Item) -> tuple[ast.Stmt, ...]:
        return self.nodes(suite.children)

    def _assign(self, span: Span, targets: Item, values: Item) -> ast.Assign:
        return ast.Assign(self.names(targets), self.values(values), span=span)

    def _augmented(self, span: Span, target: Token, operator: Token, value: Item) -> ast.AugAssign:
        built = self.node(value)
        return ast.AugAssign(self.name(target), operator[:-1], built, span=_upto(span, [built]))

    def _return(self, span: Span, values: Item) -> ast.Return:
        return ast.Return(self.values(values), span=span)

    def _assign_choose(self, span: Span, targets: Item, choose: Item) -> ast.Assign:
        value = self.node(choose)
        return ast.Assign(self.names(targets), (value,), span=_upto(span, [value]))

    _augmented_choose = _augmented

    def _return_choose(self, span: Span, choose: Item) -> ast.Return:
        value = self.node(choose)
        return ast.Return((value,), span=_upto(span, [value]))

    def _if(self, span: Span, condition: Item, then: Item, otherwise: Item) -> ast.If:
        first, second = self.body(then), self.body(otherwise) if otherwise is not None else ()
        return ast.If(self.node(condition), first, second, span=_upto(span, second or first))

    def _repeat(self, span: Span, count: Item, index: Token | None, suite: Item) -> ast.Repeat:
        body = self.body(suite)
        name = self.name(index) if index is not None else None
        return ast.Repeat(self.node(count), name, body, span=_upto(span, body))

    def _choose(self, span: Span, dim: Token, *arms: Item) -> ast.Choose:
        built = self.nodes(arms)
        return ast.Choose(self.name(dim), built, span=_upto(span, built))

    def _entangled(self, span: Span, *arms: Item) -> ast.Entangled:
        built = self.nodes(arms)
        return ast.Entangled(built, span=_upto(span, built))

    def _arm(self, span: Span, label: Item, value: Item) -> ast.Arm:
        built = self.node(value)
        return ast.Arm(self.node(label), built, span=_upto(span, [built]))

    # --- expressions -------------------------------------------------------------------------------------------------

    def _name(self, span: Span, token: Token) -> ast.Name:
        return self.name(token)

    def _number(self, span: Span, token: Token) -> ast.Number:
        digits, _, exponent = token.lower().replace("_", "").partition("e")
        if len(digits) > MAX_DIGITS or abs(int(exponent[:6] or 0)) > MAX_EXPONENT:
            self.sink.error("TSP0116", "a number that no network needs", span, "too many digits")
            return ast.Number(Fraction(0), str(token), span=span)
        value = int(digits) if digits.isdigit() else Fraction(digits)
        return ast.Number(value * Fraction(10) ** int(exponent) if exponent else value, str(token), span=span)

    def _boolean(self, span: Span, token: Token) -> ast.Boolean:
        return ast.Boolean(token == "true", span=span)

    def _nothing(self, span: Span) -> ast.Nothing:
        return ast.Nothing(span=span)

    def _list(self, span: Span, values: Item) -> ast.List:
        return ast.List(self.values(values), span=span)

    def _call(self, span: Span, callee: Token, *arguments: Item) -> ast.Call:
        return ast.Call(self.name(callee), self.nodes([a for a in arguments if a is not None]), span=span)

    def _argument(self, span: Span, name: Token | None, value: Item) -> ast.Argument:
        return ast.Argument(self.name(name) if name is not None else None, self.node(value), span=span)

    def _index(self, span: Span, value: Item, index: Item) -> ast.Index:
        return ast.Index(self.node(value), self.node(index), span=span)

    def _slice(self, span: Span, value: Item, start: Item, stop: Item) -> ast.Slice:
        return ast.Slice(self.node(value), self.maybe(start), self.maybe(stop), span=span)

    def _ternary(self, span: Span, then: Item, condition: Item, otherwise: Item) -> ast.Ternary:
        return ast.Ternary(self.node(then), self.node(condition), self.node(otherwise), span=span)

    def _binary(self, span: Span, left: Item, operator: Token, right: Item) -> ast.Binary:
        return ast.Binary(str(operator), self.node(left), self.node(right), span=span)

    def _unary(self, span: Span, operator: Token, operand: Item) -> ast.Unary:
        return ast.Unary(str(operator), self.node(operand), span=span)


def _upto(span: Span, body: Sequence[ast.Node]) -> Span:
    """Without the line end that closes a block."""
    return Span(span.source, span.start, body[-1].span.end)
