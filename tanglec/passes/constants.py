"""Params and choices: the constants at the head of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from tanglec.diagnostics import Abort, Label, Sink
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Scalar
from tanglec.passes.arithmetic import ARITY, check_arity, combine, sort_of
from tanglec.passes.names import FileScope
from tanglec.record import record
from tanglec.source import Span
from tanglec.spelling import closest
from tanglec.syntax import ast

MOST_CHOICES = 1_000


@record(eq=False, frozen=False)
class Constants:
    """The values of a file's params; evaluates constant expressions over them."""

    params: dict[str, Scalar]
    scope: FileScope
    sink: Sink

    def value(self, node: ast.Expr) -> Scalar:
        """A constant: number, truth value or name. Raises `Abort` after an error."""
        return self._extent(node).constant

    def _extent(self, node: ast.Expr) -> Extent:
        match node:
            case ast.Number() | ast.Boolean():
                return ex.const(node.value)
            case ast.Nothing():
                return ex.const("none")
            case ast.Name():
                return ex.const(self._name(node))
            case ast.Unary(operator="not"):
                return self._combine("not", (node.operand,), node.span)
            case ast.Unary():
                zero = ast.Number(Fraction(0), "0", span=node.span)
                return self._combine("-", (zero, node.operand), node.span)
            case ast.Binary():
                return self._combine(node.operator, (node.left, node.right), node.span)
            case ast.Ternary():
                return self._combine("where", (node.condition, node.then, node.otherwise), node.span)
            case ast.Call() if node.callee.id in ARITY:
                arguments = tuple(a.value for a in node.arguments)
                check_arity(node.callee.id, len(arguments), node.span, self.sink.error)
                return self._combine(node.callee.id, arguments, node.span)
        text = "numbers, truth values, names and params"
        raise self.sink.error("TSP0309", "a constant is needed here", node.span, text)

    def _combine(self, kind: str, nodes: tuple[ast.Expr, ...], span: Span) -> Extent:
        operands = [self._extent(n) for n in nodes]
        return combine(kind, operands, [n.span for n in nodes], span, self.sink.error)

    def _name(self, node: ast.Name) -> Scalar:
        if node.id in self.scope.dims:
            title = f"a constant is needed here, and `{node.id}` is a dimension"
            raise self.sink.error("TSP0309", title, node.span)
        if node.id in self.scope.params and node.id not in self.params:
            labels = [Label(self.scope.params[node.id].name.span, "declared here")]
            title = f"`{node.id}` has no value yet"
            text = "a param sees those above it"
            raise self.sink.error("TSP0201", title, node.span, text, labels=labels)
        return self.params.get(node.id, node.id)


def read_params(scope: FileScope, overrides: Mapping[str, Scalar], sink: Sink) -> Constants:
    """Params in order, each seeing those before it; `overrides` are the values of the command line."""
    constants = Constants({}, scope, sink)
    for name in overrides:
        if name not in scope.params:
            near = closest(name, scope.params)
            help = (
                [f"did you mean `{near}`?"] if near else [f"its params: {', '.join(scope.params) or 'none'}"]
            )
            sink.error("TSP0214", f"the space has no param `{name}`", help=help)
    for name, node in scope.params.items():
        try:
            default = constants.value(node.value)
        except Abort:
            default = 1
        given = overrides.get(name, default)
        alike = sort_of(ex.const(given)) == sort_of(ex.const(default))
        constants.params[name] = given if alike else default
        if not alike:
            text = f"its default is {ex.show_scalar(default)}"
            sink.error(
                "TSP0214", f"param `{name}` cannot be `{ex.show_scalar(given)}`", node.value.span, text
            )
    return constants


def read_choices(
    scope: FileScope, constants: Constants, sink: Sink
) -> dict[str, tuple[tuple[Scalar, ...], ...]]:
    """The choices of every dimension, one tuple for each list. Errors in them are in the sink."""
    result = {}
    for name, node in scope.dims.items():
        before = len(sink.diagnostics)
        result[name] = tuple(_list(node, choices, constants, sink) for choices in node.lists)
        if all(len(choices) < 2 for choices in result[name]) and len(sink.diagnostics) == before:
            help = [f"make it a constant: `param {name} = {ex.show_scalar(result[name][0][0])}`"]
            title = f"`{name}` has nothing to choose from"
            sink.error("TSP0209", title, node.lists[0].span, "one choice", help=help)
    return result


def _list(node: ast.Dim, choices: ast.Choices, constants: Constants, sink: Sink) -> tuple[Scalar, ...]:
    seen: dict[tuple[bool, Scalar], Span] = {}  # True == 1, and is another choice
    for item in choices.items:
        for value in _values(item, constants, sink):
            key = (isinstance(value, bool), value)
            if key in seen:
                labels = [Label(seen[key], "first here")]
                title = f"`{node.name.id}` has the choice {ex.show_scalar(value)} twice"
                sink.error("TSP0209", title, item.span, labels=labels)
            seen.setdefault(key, item.span)
    sorts = {sort_of(ex.const(value)) for _, value in seen}
    if len(sorts) > 1:
        words = " and ".join({"truth": "truth values"}.get(s, f"{s}s") for s in sorted(sorts))
        title = f"`{node.name.id}` mixes {words}"
        sink.error("TSP0209", title, choices.span, "choices are of one sort")
    return tuple(value for _, value in seen)


def _values(item: ast.Expr | ast.Range, constants: Constants, sink: Sink) -> Iterator[Scalar]:
    """What one item of a list stands for; nothing after an error."""
    try:
        if isinstance(item, ast.Range):
            yield from _range(item, constants, sink)
        else:
            yield constants.value(item)
    except Abort:
        return


def _range(node: ast.Range, constants: Constants, sink: Sink) -> tuple[Scalar, ...]:
    start, stop = _number(node.start, constants, sink), _number(node.stop, constants, sink)
    step = Fraction(1) if node.step is None else _number(node.step, constants, sink)
    if step <= 0 or start > stop:
        title = "a range goes from a number up to a larger one"
        text = "the step must be positive" if step <= 0 else f"{node.start.span.text} is larger"
        raise sink.error("TSP0209", title, node.span, text)
    count = (stop - start) // step + 1
    if count > MOST_CHOICES:
        help = ["give it a larger `step`"]
        title = f"{count:,} choices are too many"
        raise sink.error("TSP0402", title, node.span, f"at most {MOST_CHOICES:,}", help=help)
    return tuple(ex.const(start + i * step).constant for i in range(count))


def _number(node: ast.Expr, constants: Constants, sink: Sink) -> Fraction:
    value = constants.value(node)
    if isinstance(value, bool | str):
        text = f"this is {ex.show_scalar(value)}"
        raise sink.error("TSP0209", "a range goes from a number up to a larger one", node.span, text)
    return Fraction(value)
