"""Expressions: numbers are symbolic extents, tensors are values, and calls become steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tanglec.diagnostics import Abort
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Branch, Layer, Value
from tanglec.ir.types import Axis
from tanglec.ops.registry import Op, registry
from tanglec.passes import binding
from tanglec.passes.binding import NamedLayer, Several, describe
from tanglec.passes.checks import sort_of
from tanglec.passes.names import FUNCTIONS, BlockDef
from tanglec.source import Span
from tanglec.syntax import ast

if TYPE_CHECKING:
    from tanglec.passes.elaborate import Elaborator, Frame

_TENSOR_OPERATIONS = {"+": "add", "-": "subtract", "*": "multiply"}


class Evaluator:
    """Evaluates expressions in a frame of the elaborator."""

    def __init__(self, elaborator: Elaborator) -> None:
        self.elaborator = elaborator
        self.check = elaborator.check

    def __call__(self, node: ast.Expr, frame: Frame, name: str = "") -> Any:
        """One value. `name` is what the user will call it, empty if it is passed on at once."""
        values = self.several(node, frame, name)
        if len(values) != 1:
            raise self.check.error("TSP0216", f"{len(values)} values where one is needed", node.span)
        return values[0]

    any = __call__

    def several(self, node: ast.Expr, frame: Frame, name: str, names: Sequence[str] = ()) -> tuple[Any, ...]:
        """The values of an expression: more than one where a block returns several."""
        if isinstance(node, ast.Call):
            return self._call(node, frame, name, names or (name,))
        return (self._single(node, frame, name),)

    def _single(self, node: ast.Expr, frame: Frame, name: str) -> Any:
        match node:
            case ast.Number() | ast.Boolean():
                return ex.const(node.value)
            case ast.Nothing():
                return None
            case ast.Name():
                return self._name(node, frame)
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
        raise self.check.error("TSP0501", "`choose` is not supported yet", node.span)

    def extent(self, node: ast.Expr, frame: Frame) -> Extent:
        """An expression that must be a number, a truth value or a name."""
        value = self(node, frame)
        if isinstance(value, Axis):
            return value.width
        if not isinstance(value, Extent):
            raise self.check.error("TSP0311", "a number is needed here", node.span, f"this is {describe(value)}")
        return value

    def condition(self, node: ast.Expr, frame: Frame) -> Extent:
        extent = self.extent(node, frame)
        if sort_of(extent) != "truth":
            raise self.check.error("TSP0311", "a condition is true or false", node.span, f"this is {describe(extent)}")
        return extent

    # --- names -------------------------------------------------------------------------------------------------------

    def _name(self, node: ast.Name, frame: Frame) -> Any:
        from tanglec.passes.elaborate import Poison

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
        found = scope.callee(node.id)
        if found is not None:
            return found
        if node.id in scope.labels:
            return ex.const(node.id)
        raise self.check.error("TSP0201", f"`{node.id}` has no value here", node.span, "bound later, on one side of an `if`, or inside a `repeat`")

    # --- operators ---------------------------------------------------------------------------------------------------

    def _unary(self, node: ast.Unary, frame: Frame, name: str) -> Any:
        value = self(node.operand, frame)
        if node.operator == "not":
            return ex.apply("not", self.condition(node.operand, frame))
        if isinstance(value, Value):
            return self._apply("scale", frame, node.span, name, x=value, by=ex.const(-1))
        return self._arithmetic("-", ex.const(0), value, node.span)

    def _binary(self, node: ast.Binary, frame: Frame, name: str) -> Any:
        if node.operator in ("and", "or"):
            return ex.apply(node.operator, self.condition(node.left, frame), self.condition(node.right, frame))
        left, right = self(node.left, frame), self(node.right, frame)
        if isinstance(left, Value) or isinstance(right, Value):
            return self._tensors(node, left, right, frame, name)
        if node.operator in ("==", "!="):
            return self._compare(node, left, right)
        return self._arithmetic(node.operator, left, right, node.span)

    def _compare(self, node: ast.Binary, left: Any, right: Any) -> Extent:
        left, right = (v.width if isinstance(v, Axis) else v for v in (left, right))
        if left is None or right is None or not isinstance(left, Extent) or not isinstance(right, Extent):
            alike = left is right
            return ex.const(alike if node.operator == "==" else not alike)
        if sort_of(left) != sort_of(right):
            raise self.check.error("TSP0311", f"{describe(left)} cannot be compared with {describe(right)}", node.span)
        return ex.apply(node.operator, left, right)

    def _arithmetic(self, kind: str, left: Any, right: Any, span: Span) -> Extent:
        operands = [v.width if isinstance(v, Axis) else v for v in (left, right)]
        for operand in operands:
            if not isinstance(operand, Extent) or sort_of(operand) != "number":
                raise self.check.error("TSP0311", f"`{kind}` needs numbers", span, f"this is {describe(operand)}")
        if kind in ("/", "//", "%"):
            self.check.hold(ex.apply("!=", operands[1], ex.const(0)), "TSP0311", "division by zero", span)
        return ex.apply(kind, *operands)

    def _tensors(self, node: ast.Binary, left: Any, right: Any, frame: Frame, name: str) -> Value:
        op, span = node.operator, node.span
        if isinstance(left, Value) and isinstance(right, Value):
            if op in _TENSOR_OPERATIONS:
                return self._apply(_TENSOR_OPERATIONS[op], frame, span, name, a=left, b=right)
        elif isinstance(left, Value) and isinstance(right, Extent) and op in "+-*/":
            if op == "/" and right == ex.const(0):
                raise self.check.error("TSP0311", "division by zero", span)
            inverse = {"-": ("-", ex.const(0), right), "/": ("/", ex.const(1), right)}.get(op)
            by = right if inverse is None else self._arithmetic(*inverse, span)
            return self._apply("shift" if op in "+-" else "scale", frame, span, name, x=left, by=by)
        elif isinstance(right, Value) and isinstance(left, Extent) and op in "+*":
            return self._apply("shift" if op == "+" else "scale", frame, span, name, x=right, by=left)
        raise self.check.error("TSP0311", f"`{op}` is not defined here", span, f"between {describe(left)} and {describe(right)}")

    def _ternary(self, node: ast.Ternary, frame: Frame, name: str) -> Any:
        condition = self.condition(node.condition, frame)
        known = self.check.decide(condition, node.condition.span)
        if known is not None:
            return self(node.then if known else node.otherwise, frame, name)
        elaborator = self.elaborator
        sides = elaborator._sides(condition, frame, lambda f: self(node.then, f), lambda f: self(node.otherwise, f))
        (then, first), (otherwise, second) = sides
        if isinstance(first, Axis) or isinstance(second, Axis):
            first, second = (v.width if isinstance(v, Axis) else v for v in (first, second))
        if isinstance(first, Extent) and isinstance(second, Extent) and sort_of(first) == sort_of(second):
            return ex.apply("where", condition, first, second)
        if not isinstance(first, Value) or not isinstance(second, Value):
            message = f"{describe(first)} or {describe(second)}: this must be two numbers or two tensors"
            raise self.check.error("TSP0309", message, node.span, "the condition does not hold for all choices alike")
        self.check.sampled_only(condition.positions, "a condition holds for some choices only", node.condition.span)
        value, joined = elaborator.join(condition, first, second, name, node.span)
        frame.steps.append(Branch(condition, tuple(then.steps), tuple(otherwise.steps), tuple(joined), node.span))
        return value

    # --- selection ---------------------------------------------------------------------------------------------------

    def _index(self, node: ast.Index, frame: Frame, name: str) -> Any:
        value, index = self(node.value, frame), self.extent(node.index, frame)
        if isinstance(value, Several):
            place = self._constant(index, node.index.span)
            if not 0 <= place < len(value.items):
                raise self.check.error("TSP0305", f"item {place} of {len(value.items)}", node.span)
            return value.items[place]
        return self._apply("select token", frame, node.span, name, x=value, index=index)

    def _slice(self, node: ast.Slice, frame: Frame, name: str) -> Any:
        value = self(node.value, frame)
        start = ex.const(0) if node.start is None else self.extent(node.start, frame)
        stop = None if node.stop is None else self.extent(node.stop, frame)
        if isinstance(value, Several):
            end = len(value.items) if stop is None else self._constant(stop, node.span)
            begin = self._constant(start, node.span)
            if not 0 <= begin < end <= len(value.items):
                raise self.check.error("TSP0305", f"items {begin}..{end} of {len(value.items)}", node.span)
            return Several(value.items[begin:end])
        return self._apply("select tokens", frame, node.span, name, x=value, start=start, stop=stop)

    def _constant(self, extent: Extent, span: Span) -> int:
        if not extent.is_constant or not ex.is_whole(extent.constant):
            raise self.check.error("TSP0309", "a whole constant is needed here", span, f"this is {ex.show(extent)}")
        return int(ex.number(extent.constant))

    # --- calls -------------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, frame: Frame, name: str, names: Sequence[str]) -> tuple[Any, ...]:
        callee = self._callee(node.callee, frame)
        arguments = self._arguments(node, frame, callee)
        if callee is None:
            return (self._function(node, arguments),)
        if isinstance(callee, BlockDef):
            return self.elaborator.call_block(callee, arguments, frame, node.span, names)
        if isinstance(callee, NamedLayer):
            return (self._apply_layer(callee, arguments, frame, node.span, name),)
        return (self._operation(callee, arguments, frame, node.span, name),)

    def _callee(self, node: ast.Name, frame: Frame) -> BlockDef | Op | NamedLayer | None:
        """What a name calls: parameter or local, block, operation; None for a function of numbers."""
        local = frame.locals.get(node.id)
        if isinstance(local, BlockDef | Op | NamedLayer):
            return local
        found = frame.file.callee(node.id)
        if found is not None:
            return found
        if node.id in FUNCTIONS:
            return None
        if node.id in ("choose", "dag", "scan"):
            raise self.check.error("TSP0501", f"`{node.id}` is not supported yet", node.span)
        if node.id in frame.locals:
            raise self.check.error("TSP0204", f"`{node.id}` cannot be called", node.span, f"it is {describe(self._name(node, frame))}")
        raise self.check.error("TSP0204", f"there is no operation or block `{node.id}`", node.span)

    def _arguments(self, node: ast.Call, frame: Frame, callee: object) -> list[tuple[ast.Name | None, Any, Span]]:
        arguments = [(a.name, self(a.value, frame), a.value.span) for a in node.arguments]
        if isinstance(callee, Op) and callee.parameters and callee.parameters[0].variadic:
            return self._variadic(callee, arguments, node.span)
        return arguments

    def _variadic(self, op: Op, arguments: list[tuple[ast.Name | None, Any, Span]], span: Span) -> list[tuple[ast.Name | None, Any, Span]]:
        """Tensors and lists of tensors in a row become one argument."""
        items: list[Any] = []
        for name, value, _ in arguments:
            if name is None:
                items.extend(value.items if isinstance(value, Several) else (value,))
        if not items:
            raise self.check.error("TSP0212", f"`{op.name}` needs at least one tensor", span)
        return [(None, tuple(items), span), *(a for a in arguments if a[0] is not None)]

    def _operation(self, op: Op, arguments: list[tuple[ast.Name | None, Any, Span]], frame: Frame, span: Span, name: str) -> Any:
        if _lacks_tensor(op, arguments):
            return NamedLayer(op, tuple((n.id if n else None, v, s) for n, v, s in arguments), span, name)
        bound = binding.match(op.name, binding.signature(op), arguments, span, self.check)
        return self.elaborator.apply(op, bound, frame, span, name)

    def _apply_layer(self, named: NamedLayer, arguments: list[tuple[ast.Name | None, Any, Span]], frame: Frame, span: Span, name: str) -> Value:
        first = named.op.parameters[0].name
        bound = self._rest(named)
        if len(arguments) != 1 or not isinstance(arguments[0][1], Value):
            raise self.check.error("TSP0212", f"`{named.name}` takes one tensor", span)
        bound[first] = (arguments[0][1], arguments[0][2])
        return self.elaborator.apply(named.op, bound, frame, span, name, named)

    def _rest(self, named: NamedLayer) -> dict[str, tuple[Any, Span]]:
        """The arguments of a named layer, all but its tensor."""
        arguments = [(None if n is None else ast.Name(n, span=s), v, s) for n, v, s in named.arguments]
        return binding.match(named.op.name, binding.signature(named.op)[1:], arguments, named.span, self.check)

    def resolved(self, named: NamedLayer | Layer, span: Span, frame: Frame | None) -> Layer:
        """The weights of a named layer, also where it was not applied yet."""
        if isinstance(named, Layer):
            return named
        if named.layer is None:
            if not named.op.parameters[0].optional:
                raise self.check.error("TSP0405", f"apply `{named.name}` before its weight is shared", span)
            inferred, _ = self.elaborator.infer(named.op, self._rest(named), named.span)
            named.layer = Layer(named.name, inferred.weights, named.span)
        return named.layer

    def _apply(self, op: str, frame: Frame, span: Span, name: str, **arguments: Any) -> Value:
        bound = {key: (value, span) for key, value in arguments.items()}
        return self.elaborator.apply(registry()[op], bound, frame, span, name)

    # --- functions of numbers and of types ---------------------------------------------------------------------------

    def _function(self, node: ast.Call, arguments: list[tuple[ast.Name | None, Any, Span]]) -> Any:
        name, span = node.callee.id, node.span
        if name in ("width", "size"):
            return self._of_type(name, arguments, span)
        counts = {"ceil": (1, 1), "floor": (1, 1), "round_to": (2, 2), "min": (1, 99), "max": (1, 99)}[name]
        if not counts[0] <= len(arguments) <= counts[1] or any(n for n, _, _ in arguments):
            raise self.check.error("TSP0212", f"`{name}` takes {counts[0]}{'' if counts[0] == counts[1] else ' or more'} numbers", span)
        values = [v.width if isinstance(v, Axis) else v for _, v, _ in arguments]
        for value, (_, _, at) in zip(values, arguments, strict=True):
            if not isinstance(value, Extent) or sort_of(value) != "number":
                raise self.check.error("TSP0311", f"`{name}` needs numbers", at, f"this is {describe(value)}")
        return ex.apply(name, *values)

    def _of_type(self, name: str, arguments: list[tuple[ast.Name | None, Any, Span]], span: Span) -> Extent | Axis:
        if len(arguments) != 1 or not isinstance(arguments[0][1], Value):
            raise self.check.error("TSP0212", f"`{name}` takes one tensor", span)
        type = arguments[0][1].type
        if name == "width":
            return type.features if len(type.features.segments) > 1 else type.features.segments[0]
        if not type.sizes:
            raise self.check.error("TSP0302", "a vector has no size in space", span, f"this is {type}")
        return type.sizes[0]


def _lacks_tensor(op: Op, arguments: Sequence[tuple[ast.Name | None, Any, Span]]) -> bool:
    """Whether a call leaves out the tensor of an operation, and so names a layer."""
    first = op.parameters[0]
    if not first.is_tensor or first.variadic or sum(p.is_tensor for p in op.parameters) != 1:
        return False
    by_name = any(n is not None and n.id == first.name for n, _, _ in arguments)
    leads = bool(arguments) and arguments[0][0] is None and isinstance(arguments[0][1], Value)
    return not by_name and not leads and len(arguments) > 0

