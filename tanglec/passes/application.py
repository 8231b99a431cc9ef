"""Operations: what one is, from its arguments, and who owns its weights."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tanglec.diagnostics import Label
from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Layer, Operation, Value, Weight
from tanglec.ir.types import Axis
from tanglec.ops.registry import Bound, Inferred, Op
from tanglec.passes import binding
from tanglec.passes.binding import NamedLayer
from tanglec.passes.frame import Frame
from tanglec.source import Span

if TYPE_CHECKING:
    from tanglec.passes.elaborate import Elaborator


class Application:
    """Appends operations to frames of the elaborator."""

    def __init__(self, elaborator: Elaborator) -> None:
        self.elaborator = elaborator
        self.check = elaborator.check
        self.known: dict[Hashable, Inferred] = {}

    def __call__(
        self,
        op: Op,
        bound: Mapping[str, tuple[Any, Span]],
        frame: Frame,
        span: Span,
        name: str,
        layer: NamedLayer | None = None,
        via: str = "",
    ) -> Value:
        """One operation, appended to the frame's steps; `via` is the parameter or local that names it."""
        self.elaborator.step(span)
        inferred = self._inferred(op, bound, span)
        owner = self._owner(inferred, layer, span)
        output = Value(inferred.type, name, span)
        sums = inferred.sums_over or ()
        frame.steps.append(
            Operation(
                op.name, _tensors(op, bound), output, inferred.supernet, inferred.plain, span, owner,
                inferred.tied, inferred.macs, sums, inferred.lowerings, inferred.lowerings[0],
                inferred.shape_comment, via,
            )
        )  # fmt: skip
        return output

    def _inferred(self, op: Op, bound: Mapping[str, tuple[Any, Span]], span: Span) -> Inferred:
        """What the operation says of the call: asked once of calls that are alike, such as those of equal cells,
        but for those that are given another's weights.

        What it noted on the way (dimensions that can only be sampled) was noted the first time; errors are never kept.
        """
        key = (op.name, self._assumed(bound), *((n, _kind(v)) for n, (v, _) in bound.items()))
        found = self.known.get(key)
        if found is None:
            with self.check.guarded(span):
                found = self.infer(op, bound, span)
                _tabulate(found)
            if not any(isinstance(v, NamedLayer | Layer) for v, _ in bound.values()):
                self.known[key] = found
        return found

    def _assumed(self, bound: Mapping[str, tuple[Any, Span]]) -> Extent:
        """What is assumed here, if that can matter: nothing of it does where no argument varies."""
        varies = any(_varies(value) for value, _ in bound.values())
        return self.check.assuming if varies else ex.TRUE

    def infer(self, op: Op, bound: Mapping[str, tuple[Any, Span]], span: Span) -> Inferred:
        """What the operation says of a call, with the positions that it sums over."""
        values, spans = binding.as_mapping(op, bound, self.check, span)
        for parameter in op.parameters:
            if parameter.kind == "layer" and values[parameter.name] is not None:
                values[parameter.name] = self.elaborator.evaluate.resolved(
                    values[parameter.name], spans[parameter.name]
                )
        inferred = op.infer(Bound(op, values, spans, span, self.check))
        if inferred.sums_over is not None:
            return inferred
        sums = tuple(sorted({p for w in inferred.weights for p in w.positions}))
        return replace(inferred, sums_over=sums)

    def _owner(self, inferred: Inferred, named: NamedLayer | None, span: Span) -> Layer | None:
        if inferred.supernet.layer is None:
            return None
        if named is None:
            return Layer("", inferred.weights, span)
        if named.layer is None:
            named.layer = Layer(named.name, inferred.weights, named.span)
        elif not self._same_weights(named.layer.weights, inferred.weights):
            title = f"`{named.name or named.op.name}` is used with two different widths"
            labels = [Label(named.layer.span, f"its weights are {_shapes(named.layer.weights)}")]
            text = f"here they would be {_shapes(inferred.weights)}"
            raise self.check.error("TSP0405", title, span, text, labels=labels)
        return named.layer

    def _same_weights(self, a: Sequence[Any], b: Sequence[Any]) -> bool:
        pairs = [(x, y) for v, w in zip(a, b, strict=True) for x, y in zip(v.axes, w.axes, strict=True)]
        return all(
            x == y or self.check.equal(x.width, y.width) and x.positions == y.positions for x, y in pairs
        )


def _tensors(op: Op, bound: Mapping[str, tuple[Any, Span]]) -> tuple[Value, ...]:
    """The tensors of a call, in the order of the signature."""
    tensors: list[Value] = []
    for parameter in op.parameters:
        if parameter.is_tensor:
            value: Any = bound[parameter.name][0] if parameter.name in bound else None
            tensors.extend(value if parameter.variadic else (value,))
    return tuple(tensors)


def _kind(value: Any) -> Hashable:
    """All that an operation looks at in an argument: of a tensor its type, with what lies behind its width."""
    if isinstance(value, Value):
        return value.type, value.type.padding
    return tuple(map(_kind, value)) if isinstance(value, tuple) else value


def _varies(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_varies, value))
    return value.type.varies if isinstance(value, Value) else bool(getattr(value, "positions", ()))


def _tabulate(inferred: Inferred) -> None:
    """Whatever a result or a weight depends on can be enumerated. Raises `TooLarge`, `Undefined`."""
    axes = [a for w in inferred.weights for a in w.axes]
    segments = [s for a in axes for s in (a.segments if isinstance(a, Axis) else (a.size,))]
    if inferred.type is not None:
        segments += [*inferred.type.features.segments, *inferred.type.sizes]
    for segment in segments:
        ex.table(segment)


def _shapes(weights: Sequence[Weight]) -> str:
    return " and ".join(f"({', '.join(map(str, w.axes))})" for w in weights)
