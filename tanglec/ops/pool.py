"""Pooling, averages over space or tokens, and resizing."""

from __future__ import annotations

from tanglec.ir import extents as ex
from tanglec.ir.types import TensorType
from tanglec.ops.registry import Bound, Inferred, operation, same
from tanglec.ops.window import padding_of, window


def _pool(call: Bound, function: str, ending: str = "") -> Inferred:
    x = call["x"].type
    call.check.sampled_only(call["kernel"].positions, f"`{call.op.name}` has an elastic kernel", call.span)
    sizes = window(call, x)
    padding = padding_of(call)
    padded = "" if padding == ex.const(0) else ", padding={padding}"
    text = f"F.{function}({{0}}, {{kernel}}, stride={{stride}}{padded}{ending})"
    values = (("kernel", call["kernel"]), ("stride", call["stride"]), ("padding", padding))
    return Inferred(
        TensorType("pixels", x.features, sizes, padding=x.padding), **same(text, values), shape_comment=True
    )


@operation("max_pool", "x: pixels, kernel: extent, stride: extent = 1, padding: whole? = none")
def max_pool(call: Bound) -> Inferred:
    """Largest value of a window. Stride 1 unless given; padding "same" for odd kernels, 0 for even ones."""
    return _pool(call, "max_pool2d")


@operation(
    "avg_pool",
    "x: pixels, kernel: extent, stride: extent = 1, padding: whole? = none, count_padding: flag = false",
)
def avg_pool(call: Bound) -> Inferred:
    """Mean of a window, padding not counted. Stride 1 unless given; padding "same" for odd kernels, 0 for even ones."""
    return _pool(call, "avg_pool2d", "" if call["count_padding"] else ", count_include_pad=False")


def _mean(call: Bound) -> Inferred:
    x = call["x"].type
    dims = "(2, 3)" if x.kind == "pixels" else "1"
    call.check.sampled_only(
        ex.union(*x.sizes), f"`{call.op.name}` averages over an elastic number of places", call.span
    )
    return Inferred(
        TensorType("vector", x.features, padding=x.padding), **same(f"{{0}}.mean({dims})"), shape_comment=True
    )


@operation("mean", "x: pixels|tokens")
def mean(call: Bound) -> Inferred:
    """Mean over space or tokens."""
    return _mean(call)


@operation("global_pool", "x: pixels")
def global_pool(call: Bound) -> Inferred:
    """Mean over space."""
    return _mean(call)


@operation("resize", "x: pixels, size: extent")
def resize(call: Bound) -> Inferred:
    """Bilinear resizing to a square of `size`; an elastic size is sampled-only."""
    x, size = call["x"].type, call["size"]
    call.check.whole(size, call.span_of("size"), "`size`")
    call.check.sampled_only(size.positions, "`resize` has an elastic size", call.span)
    text = """F.interpolate({0}, size=({size}, {size}), mode="bilinear", align_corners=False)"""
    return Inferred(
        TensorType("pixels", x.features, (size, size), padding=x.padding),
        **same(text, (("size", size),)),
        shape_comment=True,
    )
