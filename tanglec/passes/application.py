"""Operations: what one is, from its arguments, and who owns its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tanglec.diagnostics import Label
from tanglec.ir import extents as ex
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
        with self.check.guarded(span):
            inferred, values = self.infer(op, bound, span)
            _tabulate(inferred)
        owner = self._owner(inferred, layer, span)
        output = Value(inferred.type, name, span)
        tensors: list[Value] = []
        for parameter in op.parameters:
            if parameter.is_tensor:
                tensors.extend(values[parameter.name] if parameter.variadic else (values[parameter.name],))
        sums = (
            ex.union(*(ex.choice(p) for w in inferred.weights for p in w.positions))
            if inferred.sums_over is None
            else inferred.sums_over
        )
        frame.steps.append(
            Operation(
                op.name, tuple(tensors), output, inferred.supernet, inferred.plain, span, owner,
                None if inferred.tied is None else inferred.tied, inferred.macs, sums, inferred.lowerings, inferred.lowerings[0],
                inferred.shape_comment, via,
            )
        )  # fmt: skip
        return output

    def infer(
        self, op: Op, bound: Mapping[str, tuple[Any, Span]], span: Span
    ) -> tuple[Inferred, dict[str, Any]]:
        values, spans = binding.as_mapping(op, bound, self.check, span)
        for parameter in op.parameters:
            if parameter.kind == "layer" and values[parameter.name] is not None:
                values[parameter.name] = self.elaborator.evaluate.resolved(
                    values[parameter.name], spans[parameter.name]
                )
        return op.infer(Bound(op, values, spans, span, self.check)), values

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
