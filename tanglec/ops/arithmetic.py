"""What `+ - *` between tensors, and between a tensor and a number, stand for. Applied once, without a gain."""

from __future__ import annotations

from dataclasses import replace

from tanglec.ir import extents as ex
from tanglec.ir.nodes import Value
from tanglec.ir.types import Axis, TensorType
from tanglec.ops.registry import Bound, Inferred, operation, plain_number, same

# How a vector is spread over the places of the other tensor.
_SPREAD = {"pixels": "[:, :, None, None]", "tokens": "[:, None]"}


def same_layout(call: Bound, a: Axis, b: Axis, what: str) -> None:
    """Two layouts must agree segment by segment."""
    if len(a.segments) != len(b.segments):
        raise call.error("TSP0301", f"layouts differ: `{a}` and `{b}`", text=what)
    for x, y in zip(a.segments, b.segments, strict=True):
        call.check.hold(
            ex.apply("==", x, y),
            "TSP0301",
            f"widths differ: `{ex.show(x)}` and `{ex.show(y)}`",
            call.span,
            what,
        )


def _together(call: Bound, symbol: str) -> Inferred:
    a, b = call["a"].type, call["b"].type
    left, right, wide = "{0}", "{1}", a
    if a.kind != b.kind:
        if b.kind == "vector" and a.kind in _SPREAD:
            right += _SPREAD[a.kind]
        elif a.kind == "vector" and b.kind in _SPREAD:
            left, wide = left + _SPREAD[b.kind], b
        else:
            raise call.error("TSP0302", f"`{symbol}` between {a.kind} and {b.kind}", text=f"{a} {symbol} {b}")
    elif a.kind == "ids":
        raise call.error("TSP0302", f"`{symbol}` between ids", text="embed them first")
    else:
        for x, y in zip(_places(a), _places(b), strict=True):
            call.check.hold(ex.apply("==", x, y), "TSP0301", f"sizes differ: {a} and {b}", call.span)
    same_layout(call, a.features, b.features, f"{a} {symbol} {b}")
    zeros = [a.padding == "zero", b.padding == "zero"]
    zero = any(zeros) if symbol == "*" else all(zeros)
    grid = a.grid if a.grid is not None else b.grid
    return Inferred(
        replace(wide, grid=grid, padding="zero" if zero else "anything"),
        **same(f"{left} {symbol} {right}"),
        lowerings=("once",),
    )


def _places(type: TensorType) -> tuple[ex.Extent, ...]:
    return type.sizes if type.heads is None else (type.heads, *type.sizes)


@operation("add", "a: tensor, b: tensor", notation="a + b")
def add(call: Bound) -> Inferred:
    """`a + b`; a vector is spread over pixels or tokens."""
    return _together(call, "+")


@operation("subtract", "a: tensor, b: tensor", notation="a - b")
def subtract(call: Bound) -> Inferred:
    """`a - b`."""
    return _together(call, "-")


@operation("multiply", "a: tensor, b: tensor", notation="a * b")
def multiply(call: Bound) -> Inferred:
    """`a * b`, element by element."""
    return _together(call, "*")


@operation("scale", "x: tensor, by: number", notation="x * by")
def scale(call: Bound) -> Inferred:
    """`x * 0.5`, `x / 2`."""
    values = (("by", plain_number(call["by"])),)
    return Inferred(call["x"].type, **same("{0} * {by}", values), lowerings=("once",))


@operation("shift", "x: tensor, by: number", notation="x + by")
def shift(call: Bound) -> Inferred:
    """`x + 1`, `x - 1`."""
    value: Value = call["x"]
    by = plain_number(call["by"])
    text = "{0} - {by}" if by < 0 else "{0} + {by}"
    changed = replace(value.type, padding="anything")
    return Inferred(changed, **same(text, (("by", abs(by)),)), lowerings=("once",))


@operation("average", "*x: tensor")
def average(call: Bound) -> Inferred:
    """The mean of tensors of one type, such as the nodes of a cell."""
    values: tuple[Value, ...] = call["x"]
    first = values[0].type
    for other in values[1:]:
        alike = other.type.kind == first.kind and len(other.type.sizes) == len(first.sizes)
        if not alike or first.kind == "ids":
            raise call.error("TSP0302", f"`average` of {first.kind} and {other.type.kind}", "x")
        for a, b in zip(_places(first), _places(other.type), strict=True):
            call.check.hold(
                ex.apply("==", a, b), "TSP0301", f"sizes differ: {first} and {other.type}", call.span
            )
        same_layout(call, first.features, other.type.features, f"{first} and {other.type}")
    zero = all(v.type.padding == "zero" for v in values)
    names = ", ".join(f"{{{i}}}" for i in range(len(values)))
    return Inferred(
        replace(first, padding="zero" if zero else "anything"),
        **same(f"torch.stack([{names}]).mean(0)"),
        lowerings=("once",),
    )
