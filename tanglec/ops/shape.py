"""Reshaping, joining and selecting."""

from __future__ import annotations

from dataclasses import replace

from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Code, Constructor, Value
from tanglec.ir.types import Grid, TensorType, axis
from tanglec.ops.registry import Bound, Inferred, feature_dim, operation, same, single


@operation("concat", "*x: tensor")
def concat(call: Bound) -> Inferred:
    """Tensors side by side along the features; each keeps its own segments."""
    values: tuple[Value, ...] = call["x"]
    first = values[0].type
    for other in values[1:]:
        if other.type.kind != first.kind or other.type.kind in ("ids", "heads"):
            raise call.error("TSP0302", f"cannot put {other.type.kind} beside {first.kind}", "x")
        for a, b in zip(first.sizes, other.type.sizes, strict=True):
            call.check.hold(
                ex.apply("==", a, b), "TSP0301", f"sizes differ: {first} and {other.type}", call.span
            )
    features = axis(*(s for v in values for s in v.type.features.segments))
    padding = "zero" if all(v.type.padding == "zero" for v in values) else "anything"
    names = ", ".join(f"{{{i}}}" for i in range(len(values)))
    result = replace(first, features=features, padding=padding)
    return Inferred(
        result,
        **same(f"torch.cat([{names}], {feature_dim(values[0])})"),
        lowerings=("once",),
        shape_comment=True,
    )


@operation("flatten", "x: pixels|tokens")
def flatten(call: Bound) -> Inferred:
    """All numbers of a sample as one vector. Tokens of elastic width are evaluated once for each width."""
    x = call["x"].type
    call.check.sampled_only(ex.union(*x.sizes), "`flatten` reads a tensor of elastic size", call.span)
    places = ex.product_of(x.sizes)
    if x.kind == "pixels":
        features = axis(*(ex.apply("*", s, places) for s in x.features.segments))
        return Inferred(
            TensorType("vector", features, padding=x.padding), **same("{0}.flatten(1)"), shape_comment=True
        )
    features = axis(ex.apply("*", places, x.features.width))
    if not x.features.positions:
        return Inferred(TensorType("vector", features), **same("{0}.flatten(1)"), shape_comment=True)
    return Inferred(
        TensorType("vector", features),
        Code("{layer}({0}, at)", Constructor("Flatten", (places, x.features))),
        Code("{0}.flatten(1)"),
        sums_over=x.features.positions,
        lowerings=("loop",),
        shape_comment=True,
    )


@operation("zero", "x: tensor, stride: extent = 1")
def zero(call: Bound) -> Inferred:
    """Zeros of x's type, for pixels after a stride: what no operation at all contributes to a sum."""
    x, stride = call["x"].type, call["stride"]
    call.check.whole(stride, call.span_of("stride"), "`stride`")
    if stride == ex.const(1):
        return Inferred(replace(x, padding="zero"), **same("torch.zeros_like({0})"), lowerings=("once",))
    if x.kind != "pixels":
        raise call.error("TSP0302", "only pixels have a stride", "stride", f"this is {x}")
    call.check.sampled_only(stride.positions, "`zero` has an elastic stride", call.span)
    sizes = tuple(_strided(size, stride) for size in x.sizes)
    text = "torch.zeros_like({0}[:, :, ::{stride}, ::{stride}])"
    return Inferred(
        replace(x, sizes=sizes, padding="zero"),
        **same(text, (("stride", stride),)),
        lowerings=("once",),
        shape_comment=True,
    )


def _strided(size: Extent, stride: Extent) -> Extent:
    """How many of `size` places every `stride`-th is, from the first."""
    one = ex.const(1)
    return ex.apply("+", ex.apply("//", ex.apply("-", size, one), stride), one)


@operation("crop", "x: pixels, top: whole = 0, left: whole = 0, bottom: whole = 0, right: whole = 0")
def crop(call: Bound) -> Inferred:
    """Pixels without as many rows or columns at each side."""
    x = call["x"].type
    for side in ("top", "left", "bottom", "right"):
        if call[side] < 0:
            raise call.error(
                "TSP0213", "`crop` takes away rows and columns, from 0", side, f"this is {call[side]}"
            )
    sizes = []
    for size, before, after in zip(x.sizes, ("top", "left"), ("bottom", "right"), strict=True):
        rest = ex.apply("-", size, ex.const(call[before] + call[after]))
        message = f"nothing is left of {ex.show(size)} places without {call[before] + call[after]}"
        call.check.hold(ex.apply(">=", rest, ex.const(1)), "TSP0310", message, call.span)
        sizes.append(rest)
    rows, columns = _range(call["top"], call["bottom"]), _range(call["left"], call["right"])
    return Inferred(
        replace(x, sizes=tuple(sizes)),
        **same(f"{{0}}[:, :, {rows}, {columns}]"),
        lowerings=("once",),
        shape_comment=True,
    )


def _range(before: int, after: int) -> str:
    return f"{before or ''}:{-after or ''}"


@operation("to_tokens", "x: pixels")
def to_tokens(call: Bound) -> Inferred:
    """Every pixel becomes a token, row by row; the grid is remembered."""
    x = call["x"].type
    grid = (
        Grid(*(int(ex.number(s.constant)) for s in x.sizes)) if all(s.is_constant for s in x.sizes) else None
    )
    result = TensorType("tokens", x.features, (ex.product_of(x.sizes),), grid, padding=x.padding)
    return Inferred(result, **same("{0}.flatten(2).transpose(1, 2)"), lowerings=("once",), shape_comment=True)


@operation("to_pixels", "x: tokens")
def to_pixels(call: Bound) -> Inferred:
    """The tokens of a grid as pixels again."""
    x = call["x"].type
    if x.grid is None or x.grid.prefix:
        raise call.error(
            "TSP0302", "`to_pixels` needs tokens that form a grid, without prepended tokens", "x", str(x)
        )
    sizes = (ex.const(x.grid.height), ex.const(x.grid.width))
    text = f"torch.unflatten({{0}}.transpose(1, 2), 2, ({x.grid.height}, {x.grid.width}))"
    return Inferred(
        TensorType("pixels", x.features, sizes, padding=x.padding),
        **same(text),
        lowerings=("once",),
        shape_comment=True,
    )


@operation("split_heads", "x: tokens, heads: extent")
def split_heads(call: Bound) -> Inferred:
    """Features read as heads of a fixed dimension, for norms per head: `attend(layer_norm(split_heads(q, heads)), …)`."""
    x, heads = call["x"].type, call["heads"]
    call.check.whole(heads, call.span_of("heads"), "`heads`")
    dim = ex.apply("/", x.features.width, heads)
    call.check.whole(
        dim, call.span_of("heads"), "a head's width", divisor=(ex.show(x.features.width), ex.show(heads))
    )
    dims = set(ex.table(dim))
    if len(dims) > 1 or not single(x.features):
        raise call.error(
            "TSP0502",
            "heads can be split only where a head's width is fixed",
            "heads",
            f"here it is {ex.show(dim)}",
        )
    width = dims.pop()
    result = TensorType("heads", axis(ex.const(width)), x.sizes, x.grid, heads, padding=x.padding)
    text = f"torch.unflatten({{0}}, -1, (-1, {width})).transpose(1, 2)"
    return Inferred(result, **same(text), lowerings=("once",), shape_comment=True)


@operation("merge_heads", "x: heads")
def merge_heads(call: Bound) -> Inferred:
    """The heads side by side as features again."""
    x = call["x"].type
    features = axis(ex.apply("*", x.heads, x.features.width))
    result = TensorType("tokens", features, x.sizes, x.grid, padding=x.padding)
    return Inferred(result, **same("{0}.transpose(1, 2).flatten(2)"), lowerings=("once",), shape_comment=True)


@operation("select token", "x: tokens, index: whole", notation="x[index]")
def select_token(call: Bound) -> Inferred:
    """`x[0]`: one token."""
    x, index = call["x"].type, call["index"]
    count = ex.show(x.sizes[0])
    inside = ex.const(False) if index < 0 else ex.apply("<", ex.const(index), x.sizes[0])
    message = f"there is no token {index}: {count} tokens are numbered from 0"
    call.check.hold(inside, "TSP0305", message, call.span_of("index"))
    return Inferred(
        TensorType("vector", x.features, padding=x.padding),
        **same(f"{{0}}[:, {index}]"),
        lowerings=("once",),
        shape_comment=True,
    )


@operation("select tokens", "x: tokens, start: whole, stop: whole?", notation="x[start..stop]")
def select_tokens(call: Bound) -> Inferred:
    """`x[1..]`: some tokens, the end excluded."""
    x, start, stop = call["x"].type, call["start"], call["stop"]
    length = x.sizes[0]
    end = length if stop is None else ex.const(stop)
    fits = ex.apply("and", ex.apply("<=", end, length), ex.apply("<", ex.const(start), end))
    shown = f"{start}..{'' if stop is None else stop}"
    message = f"there are no tokens {shown}: {ex.show(length)} tokens are numbered from 0"
    text = "the end is excluded" if stop is not None else ""
    call.check.hold(fits if start >= 0 else ex.const(False), "TSP0305", message, call.span, text)
    whole_grid = x.grid is not None and stop is None and start <= x.grid.prefix
    grid = replace(x.grid, prefix=x.grid.prefix - start) if whole_grid and x.grid is not None else None
    text = f"{{0}}[:, {start or ''}:{'' if stop is None else stop}]"
    result = TensorType("tokens", x.features, (ex.apply("-", end, ex.const(start)),), grid, padding=x.padding)
    return Inferred(result, **same(text), lowerings=("once",), shape_comment=True)
