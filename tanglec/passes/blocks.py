"""Calls of blocks: entered at every call, their arguments bound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tanglec.ir.nodes import Call as CallStep
from tanglec.ir.nodes import Instance, Layer, Value
from tanglec.passes import binding
from tanglec.passes.binding import NamedLayer, Several
from tanglec.passes.frame import Frame
from tanglec.passes.names import BlockDef, uses
from tanglec.passes.positions import Call
from tanglec.source import Span
from tanglec.syntax import ast

if TYPE_CHECKING:
    from tanglec.passes.elaborate import Elaborator

DEEPEST_CALL = 50


class Blocks:
    """Enters blocks for the elaborator."""

    def __init__(self, elaborator: Elaborator) -> None:
        self.elaborator = elaborator
        self.check = elaborator.check
        scope = elaborator.scope
        bodies = [block.node.body for block in scope.blocks.values()]
        bodies += [scope.network.body] if scope.network else []
        self.named = Counter(name.id for name in uses(tuple(bodies)))

    def __call__(
        self,
        block: BlockDef,
        arguments: Sequence[tuple[ast.Name | None, Any, Span]],
        frame: Frame,
        span: Span,
        names: Sequence[str],
    ) -> tuple[Value, ...]:
        """Enter a block; the caller's values for what it returns."""
        bound = binding.match(block.name, binding.signature(block), arguments, span, self.check)
        self._check_call(block, frame.call, span)
        inner = Frame(block.file, Call.of(block, frame.call), {}, [], frame.present)
        given = self._bind_parameters(block, bound, inner, span)
        self.check.calls.append((span, self.named[block.name] > 1))
        try:
            outputs = self.elaborator.body(block.node.body, inner, block.node.name.span)
        finally:
            self.check.calls.pop()
        static = {n: v for n, v, _ in given if not isinstance(v, Value | NamedLayer)}
        # A named layer that was never applied has no weights, and nothing to hand on.
        handed = [(n, _owner_or_value(a), _owner_or_value(b)) for n, a, b in given if n not in static]
        inputs = tuple((n, inside) for n, inside, _ in handed if inside is not None)
        outside = tuple(value for _, _, value in handed if value is not None)
        instance = Instance(
            block.name, block.file.source.path, static, inputs, tuple(inner.steps), outputs, inner.decisions
        )
        results = tuple(
            Value(v.type, names[i] if i < len(names) else "", span) for i, v in enumerate(outputs)
        )
        frame.steps.append(CallStep(instance, outside, results, span))
        return results

    def again(
        self, call: CallStep, tensors: Mapping[str, Value], frame: Frame, span: Span, code: str
    ) -> Value:
        """Call the same instance, on its own weights, with other tensors (given by parameter)."""
        self.elaborator.step(span)
        inputs: list[Value | Layer] = []
        for (name, inside), before in zip(call.instance.inputs, call.inputs, strict=True):
            given = tensors.get(name, before)
            both = isinstance(inside, Value) and isinstance(given, Value)
            if both and not self.elaborator.same_type(inside.type, given.type):  # type: ignore[union-attr]
                title = f"one set of weights reads tensors of different types for `{name}`"
                raise self.check.error(code, title, span, f"{inside.type} and {given.type}")  # type: ignore[union-attr]
            inputs.append(given)
        results = tuple(Value(v.type, "", span) for v in call.results)
        frame.steps.append(replace(call, inputs=tuple(inputs), results=results, span=span))
        return results[0]

    def _check_call(self, block: BlockDef, within: Call, span: Span) -> None:
        """A block that is handed on as an argument may call itself, which the names do not show."""
        self.elaborator.step(span)
        path, above = [block.name], within
        while above.parent is not None and above.block is not None:
            path.append(above.block.name)
            if above.block is block:
                way = " -> ".join(reversed(path))
                raise self.check.error("TSP0206", f"block `{block.name}` calls itself", span, way)
            above = above.parent
        if len(path) > DEEPEST_CALL:
            title = f"blocks call one another more than {DEEPEST_CALL} deep"
            raise self.check.error("TSP0402", title, span)

    def _bind_parameters(
        self, block: BlockDef, bound: Mapping[str, tuple[Any, Span]], inner: Frame, span: Span
    ) -> list[tuple[str, Any, Any]]:
        """Give every parameter its value in the block's frame: name, value inside, value outside."""
        given = []
        for parameter in block.node.parameters:
            name = parameter.name.id
            value, at = bound.get(name, (None, span))
            if name not in bound and parameter.default is not None:
                value = self.elaborator.evaluate.any(parameter.default, inner)
            if isinstance(value, Several):
                message = "a list cannot be handed to a block"
                raise self.check.error("TSP0213", message, at, "hand on its tensors one by one")
            inside = Value(value.type, name, at) if isinstance(value, Value) else value
            inner.locals[name] = inside
            given.append((name, inside, value))
        return given


def _owner_or_value(value: Value | NamedLayer) -> Value | Layer | None:
    return value.layer if isinstance(value, NamedLayer) else value
