"""Calls: what a name calls, its arguments, and layers that are named first and applied later."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tanglec.diagnostics import Abort
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Layer, Value
from tanglec.ir.types import Axis
from tanglec.ops.registry import Op
from tanglec.passes import binding
from tanglec.passes.arithmetic import ARITY, check_arity, combine
from tanglec.passes.binding import NamedLayer, Several, describe
from tanglec.passes.names import FORMS, FUNCTIONS, BlockDef
from tanglec.source import Span
from tanglec.syntax import ast

if TYPE_CHECKING:
    from tanglec.passes.elaborate import Elaborator
    from tanglec.passes.frame import Frame

Arguments = list[tuple[ast.Name | None, Any, Span]]


class Calls:
    """Evaluates calls in a frame of the elaborator."""

    def __init__(self, elaborator: Elaborator) -> None:
        self.elaborator = elaborator
        self.check = elaborator.check

    def __call__(self, node: ast.Call, frame: Frame, name: str, names: Sequence[str]) -> tuple[Any, ...]:
        callee = self.callee(node.callee, frame)
        evaluate = self.elaborator.evaluate
        arguments = [(a.name, evaluate(a.value, frame), a.value.span) for a in node.arguments]
        if callee is None and node.callee.id in FORMS:
            if node.callee.id == "dag":
                return (self.elaborator.dag(arguments, frame, node.span),)
            return (self.elaborator.scan(arguments, frame, node.span, name),)
        if callee is None:
            return (self._function(node, arguments),)
        if isinstance(callee, BlockDef):
            return self.elaborator.call_block(callee, arguments, frame, node.span, names)
        if isinstance(callee, NamedLayer):
            return (self._apply_layer(callee, arguments, frame, node.span, name),)
        via = node.callee.id if node.callee.id in frame.locals else ""
        return (self._operation(callee, arguments, frame, node.span, name, via),)

    def callee(self, node: ast.Name, frame: Frame) -> BlockDef | Op | NamedLayer | None:
        """What a name calls: parameter or local, block, operation; None for what the language itself defines."""
        local = frame.locals.get(node.id)
        if isinstance(local, BlockDef | Op | NamedLayer):
            return local
        found = frame.file.callee(node.id)
        if found is not None:
            return found
        if node.id in (*FUNCTIONS, *FORMS):
            return None
        if node.id in frame.locals:
            value = self.elaborator.evaluate(node, frame)
            raise self.check.error(
                "TSP0204", f"`{node.id}` cannot be called", node.span, f"it is {describe(value)}"
            )
        if node.id in frame.file.missing:
            raise Abort  # reported with the names
        raise self.check.error("TSP0204", f"there is no operation or block `{node.id}`", node.span)

    # --- operations --------------------------------------------------------------------------------------------------

    def _operation(self, op: Op, arguments: Arguments, frame: Frame, span: Span, name: str, via: str) -> Any:
        if op.parameters[0].variadic:
            arguments = self._variadic(op, arguments, span)
        if _names_a_layer(op, arguments):
            return self._named(op, arguments, span, name)
        bound = binding.match(op.name, binding.signature(op), arguments, span, self.check)
        return self.elaborator.apply(op, bound, frame, span, name, via=via)

    def _variadic(self, op: Op, arguments: Arguments, span: Span) -> Arguments:
        """Tensors and lists of tensors in a row become one argument."""
        items: list[Any] = []
        for name, value, at in arguments:
            if name is not None:
                continue
            for item in value.items if isinstance(value, Several) else (value,):
                if not isinstance(item, Value):
                    title = f"`{op.name}` takes tensors"
                    raise self.check.error("TSP0213", title, at, f"this is {describe(item)}")
                items.append(item)
        if not items:
            raise self.check.error("TSP0212", f"`{op.name}` needs at least one tensor", span)
        return [(None, tuple(items), span), *(a for a in arguments if a[0] is not None)]

    # --- named layers ------------------------------------------------------------------------------------------------

    def _named(self, op: Op, arguments: Arguments, span: Span, name: str) -> NamedLayer:
        """A layer without its tensor; what it was given is checked at once."""
        named = NamedLayer(op, tuple((n.id if n else None, v, s) for n, v, s in arguments), span, name)
        rest = self._rest(named)
        for parameter in op.parameters[1:]:
            if parameter.name in rest and parameter.kind != "layer":
                binding.coerce(op, parameter, *rest[parameter.name], self.check)
        return named

    def _apply_layer(
        self, named: NamedLayer, arguments: Arguments, frame: Frame, span: Span, name: str
    ) -> Value:
        first = named.op.parameters[0].name
        bound = self._rest(named)
        if len(arguments) != 1 or not isinstance(arguments[0][1], Value):
            title = f"the layer `{named.name or named.op.name}` takes one tensor and nothing else"
            given = f"is {describe(arguments[0][1])}" if len(arguments) == 1 else f"are {len(arguments)}"
            raise self.check.error("TSP0212", title, span, f"here {given}")
        bound[first] = (arguments[0][1], arguments[0][2])
        return self.elaborator.apply(named.op, bound, frame, span, name, named)

    def _rest(self, named: NamedLayer) -> dict[str, tuple[Any, Span]]:
        """The arguments of a named layer, all but its tensor."""
        arguments = [(None if n is None else ast.Name(n, span=s), v, s) for n, v, s in named.arguments]
        signature = binding.signature(named.op)[1:]
        return binding.match(named.op.name, signature, arguments, named.span, self.check)

    def resolved(self, named: NamedLayer | Layer, span: Span) -> Layer:
        """The weights of a named layer, also where it was not applied yet."""
        if isinstance(named, Layer):
            return named
        if named.layer is None:
            if not named.op.parameters[0].optional:
                raise self.check.error("TSP0405", f"apply `{named.name}` before its weight is shared", span)
            inferred = self.elaborator.apply.infer(named.op, self._rest(named), named.span)
            named.layer = Layer(named.name, inferred.weights, named.span)
        return named.layer

    # --- functions of numbers and of types ---------------------------------------------------------------------------

    def _function(self, node: ast.Call, arguments: Arguments) -> Any:
        name, span = node.callee.id, node.span
        if name not in ARITY:
            return self._of_type(name, arguments, span)
        check_arity(name, len(arguments), span, self.check.error)
        for argument, _, _ in arguments:
            if argument is not None:
                raise self.check.error("TSP0212", f"arguments of `{name}` have no names", argument.span)
        values = [v.width if isinstance(v, Axis) else v for _, v, _ in arguments]
        for value, (_, _, at) in zip(values, arguments, strict=True):
            if not isinstance(value, Extent):
                raise self.check.error("TSP0311", f"`{name}` needs numbers", at, f"this is {describe(value)}")
        return combine(name, values, [at for _, _, at in arguments], span, self.check.error)

    def _of_type(self, name: str, arguments: Arguments, span: Span) -> Extent | Axis:
        if len(arguments) != 1 or not isinstance(arguments[0][1], Value):
            given = f"this is {describe(arguments[0][1])}" if len(arguments) == 1 else ""
            at = arguments[0][2] if len(arguments) == 1 else span
            raise self.check.error("TSP0212", f"`{name}` takes one tensor", at, given)
        type = arguments[0][1].type
        if name == "width":
            return type.features if len(type.features.segments) > 1 else type.features.segments[0]
        if not type.sizes:
            raise self.check.error("TSP0302", "a vector has no size in space", span, f"this is {type}")
        return type.sizes[0]


def _names_a_layer(op: Op, arguments: Arguments) -> bool:
    """Whether a call leaves out the tensor of an operation, and so names a layer: `table = embedding(100, 64)`."""
    if not arguments or not _can_be_a_layer(op):
        return False
    name, value, _ = arguments[0]
    leads = name is None and not isinstance(value, Extent | Axis)
    return not leads and not any(n is not None and n.id == op.parameters[0].name for n, _, _ in arguments)


@lru_cache(maxsize=1_000)
def _can_be_a_layer(op: Op) -> bool:
    """Whether it has one tensor, and something else."""
    first, *others = op.parameters
    return first.is_tensor and not first.variadic and bool(others) and not any(p.is_tensor for p in others)


def number_of(values: Sequence[Any], what: str) -> str:
    """`1 value`, `2 values`."""
    return f"{len(values)} {what}{'' if len(values) == 1 else 's'}"
