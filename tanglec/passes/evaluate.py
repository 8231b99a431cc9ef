"""Expressions: numbers are symbolic extents, tensors are values, and calls become steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tanglec.diagnostics import Abort
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Branch, Layer, Value
from tanglec.ir.types import Axis
from tanglec.ops.registry import registry
from tanglec.passes.arithmetic import combine, sort_of
from tanglec.passes.binding import NamedLayer, Several, describe
from tanglec.passes.calls import Calls, number_of
from tanglec.passes.decisions import note
from tanglec.source import Span
from tanglec.syntax import ast

if TYPE_CHECKING:
    from tanglec.passes.elaborate import Elaborator
    from tanglec.passes.frame import Frame

_TENSOR_OPERATIONS = {"+": "add", "-": "subtract", "*": "multiply"}


class Poison:
    """Stands for what an error kept from being made."""


POISON = Poison()


class Evaluator:
    """Evaluates expressions in a frame of the elaborator."""

    def __init__(self, elaborator: Elaborator) -> None:
        self.elaborator = elaborator
        self.check = elaborator.check
        self.calls = Calls(elaborator)

    def __call__(self, node: ast.Expr, frame: Frame, name: str = "") -> Any:
        """One value. `name` is what the user will call it, empty if it is passed on at once."""
        if not isinstance(node, ast.Call):
            return self._single(node, frame, name)
        values = self.several(node, frame, name)
        if len(values) != 1:
            raise self.check.error("TSP0216", f"{number_of(values, 'value')} where one is needed", node.span)
        return values[0]

    any = __call__

    def several(self, node: ast.Expr, frame: Frame, name: str, names: Sequence[str] = ()) -> tuple[Any, ...]:
        """The values of an expression: more than one where a block returns several."""
        if isinstance(node, ast.Call):
            return self.calls(node, frame, name, names or (name,))
        return (self._single(node, frame, name),)

    def resolved(self, named: NamedLayer | Layer, span: Span) -> Layer:
        """The weights of a named layer."""
        return self.calls.resolved(named, span)

    def _single(self, node: ast.Expr, frame: Frame, name: str) -> Any:
        match node:
            case ast.Name():  # most are
                return self._name(node, frame)
            case ast.Number() | ast.Boolean():
                return ex.const(node.value)
            case ast.Nothing():
                return None
            case ast.Unary():
                return self._unary(node, frame, name)
            case ast.Binary():
                return self._binary(node, frame, name)
            case ast.Ternary():
                return self._ternary(node, frame, name)
            case ast.Index():
                return self._index(node, frame, name)
            case ast.Slice():
                return self._slice(node, frame, name)
            case ast.List():
                return Several(tuple(self(item, frame) for item in node.items))
            case ast.Choose():
                return self.elaborator.choose(node, frame, name)

    def extent(self, node: ast.Expr, frame: Frame, wanted: str = "a number is needed here") -> Extent:
        """An expression that must be a number, a truth value or a name."""
        value = self(node, frame)
        if isinstance(value, Axis):
            return value.width
        if not isinstance(value, Extent):
            raise self.check.error("TSP0311", wanted, node.span, f"this is {describe(value)}")
        return value

    def condition(self, node: ast.Expr, frame: Frame) -> Extent:
        """An expression that must be true or false."""
        wanted = "a condition is true or false"
        extent = self.extent(node, frame, wanted)
        if sort_of(extent) != "truth":
            raise self.check.error("TSP0311", wanted, node.span, f"this is {describe(extent)}")
        return extent

    # --- names -------------------------------------------------------------------------------------------------------

    def _name(self, node: ast.Name, frame: Frame) -> Any:
        scope, own = frame.file, frame.file is self.elaborator.scope
        if node.id in frame.locals:
            value = frame.locals[node.id]
            if isinstance(value, Poison):
                raise Abort
            return value
        if own and node.id in scope.dims:
            return self.elaborator.positions.choice(node, frame.call, frame.present)
        if own and node.id in self.elaborator.params:
            return ex.const(self.elaborator.params[node.id])
        if node.id in scope.inputs or node.id in scope.missing:
            raise Abort  # reported with the names
        found = scope.callee(node.id)
        if found is not None:
            return found
        if node.id in scope.labels:
            return ex.const(node.id)
        text = "bound later, on one side of an `if`, or inside a `repeat`"
        raise self.check.error("TSP0201", f"`{node.id}` has no value here", node.span, text)

    # --- operators ---------------------------------------------------------------------------------------------------

    def _unary(self, node: ast.Unary, frame: Frame, name: str) -> Any:
        if node.operator == "not":
            return ex.apply("not", self.condition(node.operand, frame))
        value = self(node.operand, frame)
        if isinstance(value, Value):
            return self.apply("scale", frame, node.span, name, x=value, by=ex.const(-1))
        return self._arithmetic("-", (ex.const(0), value), (node.span, node.operand.span), node.span)

    def _binary(self, node: ast.Binary, frame: Frame, name: str) -> Any:
        if node.operator in ("and", "or"):
            return ex.apply(
                node.operator, self.condition(node.left, frame), self.condition(node.right, frame)
            )
        left, right = self(node.left, frame), self(node.right, frame)
        left, right = _label(left, right), _label(right, left)
        sized = all(isinstance(v, Extent | Axis | Value) for v in (left, right))
        if node.operator in ("==", "!=") and not sized:  # `kv_heads == none`, `act == relu`
            return ex.const((left is right) == (node.operator == "=="))
        if isinstance(left, Value) or isinstance(right, Value):
            return self._tensors(node, left, right, frame, name)
        return self._arithmetic(node.operator, (left, right), (node.left.span, node.right.span), node.span)

    def _arithmetic(self, kind: str, values: Sequence[Any], spans: Sequence[Span], span: Span) -> Extent:
        operands: list[Extent] = []
        for value in values:
            operand = value.width if isinstance(value, Axis) else value
            if not isinstance(operand, Extent):
                title = f"`{kind}` is not defined for {describe(operand)}"
                raise self.check.error("TSP0311", title, span)
            operands.append(operand)
        if kind in ("/", "//", "%") and sort_of(operands[1]) == "number":
            nonzero = ex.apply("!=", operands[1], ex.const(0))
            self.check.hold(nonzero, "TSP0311", "division by zero", span)
        return combine(kind, operands, spans, span, self.check.error)

    def _tensors(self, node: ast.Binary, left: Any, right: Any, frame: Frame, name: str) -> Value:
        op, span = node.operator, node.span
        if isinstance(left, Value) and isinstance(right, Value) and op in _TENSOR_OPERATIONS:
            return self.apply(_TENSOR_OPERATIONS[op], frame, span, name, a=left, b=right)
        tensor, by, by_node = (
            (left, right, node.right) if isinstance(left, Value) else (right, left, node.left)
        )
        usable = isinstance(by, Extent) and sort_of(by) == "number"
        if not usable or op not in ("+-*/" if tensor is left else "+*"):
            title = f"`{op}` is not defined between {describe(left)} and {describe(right)}"
            raise self.check.error("TSP0311", title, span)
        if op in "-/":
            first = ex.const(0 if op == "-" else 1)
            by = self._arithmetic(op, (first, by), (span, by_node.span), span)
        operation = "shift" if op in "+-" else "scale"
        return self.apply(operation, frame, span, name, {"by": by_node.span}, x=tensor, by=by)

    def _ternary(self, node: ast.Ternary, frame: Frame, name: str) -> Any:
        condition = self.condition(node.condition, frame)
        known = self.check.decide(condition, node.condition.span)
        if known is not None:
            note(node.condition, known, condition, frame, self)
            return self(node.then if known else node.otherwise, frame, name)
        elaborator = self.elaborator
        sides = elaborator.conditions.sides(
            condition, frame, lambda f: self(node.then, f), lambda f: self(node.otherwise, f)
        )
        (then, first), (otherwise, second) = sides
        if isinstance(first, Axis) or isinstance(second, Axis):
            first, second = (v.width if isinstance(v, Axis) else v for v in (first, second))
        if isinstance(first, Extent) and isinstance(second, Extent):
            spans = (node.condition.span, node.then.span, node.otherwise.span)
            return combine("where", (condition, first, second), spans, node.span, self.check.error)
        if not isinstance(first, Value) or not isinstance(second, Value):
            message = f"{describe(first)} or {describe(second)}: this must be two numbers or two tensors"
            text = "the condition does not hold for all choices alike"
            raise self.check.error("TSP0309", message, node.span, text)
        why = "a condition holds for some choices only"
        self.check.sampled_only(condition.positions, why, node.condition.span)
        value, joined = elaborator.conditions.join(condition, first, second, name, node.span)
        frame.steps.append(
            Branch(condition, tuple(then.steps), tuple(otherwise.steps), tuple(joined), node.span)
        )
        return value

    # --- selection ---------------------------------------------------------------------------------------------------

    def _index(self, node: ast.Index, frame: Frame, name: str) -> Any:
        value, index = self(node.value, frame), self.extent(node.index, frame)
        if isinstance(value, Several):
            place = self._constant(index, node.index.span)
            if not 0 <= place < len(value.items):
                title = f"there is no item {place} in a list of {len(value.items)}"
                raise self.check.error("TSP0305", title, node.index.span, "items are numbered from 0")
            return value.items[place]
        self._check_selected(value, node.value.span)
        spans = {"x": node.value.span, "index": node.index.span}
        return self.apply("select token", frame, node.span, name, spans, x=value, index=index)

    def _slice(self, node: ast.Slice, frame: Frame, name: str) -> Any:
        value = self(node.value, frame)
        start = ex.const(0) if node.start is None else self.extent(node.start, frame)
        stop = None if node.stop is None else self.extent(node.stop, frame)
        if isinstance(value, Several):
            end = len(value.items) if stop is None else self._constant(stop, node.span)
            begin = self._constant(start, node.span)
            if not 0 <= begin < end <= len(value.items):
                title = f"there are no items {begin}..{end} in a list of {len(value.items)}"
                raise self.check.error("TSP0305", title, node.span, "the end is excluded")
            return Several(value.items[begin:end])
        self._check_selected(value, node.value.span)
        places = (("x", node.value), ("start", node.start), ("stop", node.stop))
        spans = {key: part.span for key, part in places if part is not None}
        return self.apply("select tokens", frame, node.span, name, spans, x=value, start=start, stop=stop)

    def _check_selected(self, value: Any, span: Span) -> None:
        if not isinstance(value, Value):
            title = "`[…]` selects tokens of a tensor or items of a list"
            raise self.check.error("TSP0213", title, span, f"this is {describe(value)}")

    def _constant(self, extent: Extent, span: Span) -> int:
        if not extent.is_constant or not ex.is_whole(extent.constant):
            title = "a whole constant is needed here"
            raise self.check.error("TSP0309", title, span, f"this is {ex.show(extent)}")
        return int(ex.number(extent.constant))

    def apply(
        self,
        op: str,
        frame: Frame,
        span: Span,
        name: str,
        spans: dict[str, Span] | None = None,
        /,
        **arguments: Any,
    ) -> Value:
        """An operation that an operator stands for."""
        bound = {key: (value, (spans or {}).get(key, span)) for key, value in arguments.items()}
        return self.elaborator.apply(registry()[op], bound, frame, span, name)


def _label(value: Any, other: Any) -> Any:
    """`none` beside a name is a label like others: `op == none`."""
    beside_name = isinstance(other, Extent) and sort_of(other) == "name"
    return ex.const("none") if value is None and beside_name else value
