"""Params, choices and inputs: the constants at the head of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from tanglec.diagnostics import Abort, Label, Sink
from tanglec.ir import extents as ex
from tanglec.ir.extents import Scalar
from tanglec.passes.names import FileScope
from tanglec.spelling import closest
from tanglec.source import Span
from tanglec.syntax import ast

MOST_CHOICES = 10_000


@dataclass(slots=True)
class Constants:
    """The values of a file's params; evaluates constant expressions over them."""

    params: dict[str, Scalar]
    sink: Sink

    def value(self, node: ast.Expr) -> Scalar:
        """A constant: number, truth value or name. Raises `Abort` after an error."""
        if isinstance(node, ast.Number | ast.Boolean):
            return ex.const(node.value).constant
        if isinstance(node, ast.Nothing):
            return "none"
        if isinstance(node, ast.Name):
            return self.params.get(node.id, node.id)
        operands = self._operands(node)
        if operands is None:
            raise self.sink.error("TSP0309", "a constant is needed here", node.span, "numbers, truth values, names and params")
        kind, args = operands
        try:
            return ex.apply(kind, *(ex.const(self.value(a)) for a in args)).constant
        except (ex.Undefined, TypeError) as error:
            raise self.sink.error("TSP0311", f"this has no value: {error}", node.span) from None

    @staticmethod
    def _operands(node: ast.Expr) -> tuple[str, tuple[ast.Expr, ...]] | None:
        if isinstance(node, ast.Binary):
            return node.operator, (node.left, node.right)
        if isinstance(node, ast.Unary):
            zero = ast.Number(Fraction(0), "0", span=node.span)
            return ("not", (node.operand,)) if node.operator == "not" else ("-", (zero, node.operand))
        if isinstance(node, ast.Ternary):
            return "where", (node.condition, node.then, node.otherwise)
        if isinstance(node, ast.Call) and node.callee.id in ("min", "max", "ceil", "floor", "round_to"):
            return node.callee.id, tuple(a.value for a in node.arguments)
        return None


def read_params(scope: FileScope, overrides: Mapping[str, Scalar], sink: Sink) -> Constants:
    """Params in order, each seeing those before it; `overrides` are the values of the command line."""
    constants = Constants({}, sink)
    for name in overrides:
        if name not in scope.params:
            near = closest(name, scope.params)
            help = [f"did you mean `{near}`?"] if near else [f"its params: {', '.join(scope.params) or 'none'}"]
            sink.error("TSP0214", f"the space has no param `{name}`", help=help)
    for name, node in scope.params.items():
        try:
            default = constants.value(node.value)
        except Abort:
            default = 1
        constants.params[name] = overrides.get(name, default)
        if name in overrides and isinstance(default, bool | str) != isinstance(overrides[name], bool | str):
            given = ex.show_scalar(overrides[name])
            sink.error("TSP0214", f"param `{name}` cannot be `{given}`", node.value.span, f"its default is {ex.show_scalar(default)}")
    return constants


def read_choices(scope: FileScope, constants: Constants, sink: Sink) -> dict[str, tuple[tuple[Scalar, ...], ...]]:
    """The choices of every dimension, one tuple for each list. Raises `Abort` after an error."""
    result = {}
    for name, node in scope.dims.items():
        result[name] = tuple(_list(node, choices, constants, sink) for choices in node.lists)
        if all(len(choices) < 2 for choices in result[name]):
            sink.error("TSP0209", f"`{name}` has nothing to choose from", node.lists[0].span, "one choice", help=["make it a `param`"])
    return result


def _list(node: ast.Dim, choices: ast.Choices, constants: Constants, sink: Sink) -> tuple[Scalar, ...]:
    values: dict[Scalar, Span] = {}
    for item in choices.items:
        for value in _range(item, constants, sink) if isinstance(item, ast.Range) else (constants.value(item),):
            if value in values:
                labels = [Label(values[value], "first here")]
                sink.error("TSP0209", f"`{node.name.id}` has the choice {ex.show_scalar(value)} twice", item.span, labels=labels)
            values[value] = item.span
    sorts = {"name" if isinstance(v, str) else "truth" if isinstance(v, bool) else "number" for v in values}
    if len(sorts) > 1:
        sink.error("TSP0209", f"`{node.name.id}` mixes {' and '.join(sorted(sorts))} choices", choices.span)
    return tuple(values)


def _range(node: ast.Range, constants: Constants, sink: Sink) -> tuple[Scalar, ...]:
    parts = [constants.value(n) for n in (node.start, node.stop)]
    step = constants.value(node.step) if node.step is not None else 1
    if any(isinstance(v, bool | str) for v in (*parts, step)) or step <= 0 or parts[0] > parts[1]:  # type: ignore[operator]
        raise sink.error("TSP0209", "a range goes from a number up to a larger one", node.span, "start..stop step positive")
    start, stop = Fraction(parts[0]), Fraction(parts[1])
    count = (stop - start) // Fraction(step) + 1
    if count > MOST_CHOICES:
        raise sink.error("TSP0402", f"{count:,} choices are too many", node.span, help=["give it a larger `step`"])
    return tuple(ex.const(start + i * Fraction(step)).constant for i in range(count))


