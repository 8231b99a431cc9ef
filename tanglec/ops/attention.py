"""Scaled dot-product attention."""

from __future__ import annotations

from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Code, Constructor, Slot, Value, Weight
from tanglec.ir.types import TensorType, axis
from tanglec.ops.registry import Bound, Inferred, fixed, given, is_fixed, operation, single


@operation(
    "attend",
    "q: tokens|heads, k: tokens|heads, v: tokens|heads, heads: extent, kv_heads: extent? = none, "
    "causal: flag = false, relative_position: whole? = none",
)
def attend(call: Bound) -> Inferred:
    """`softmax(q k^T / sqrt(d)) v` for every head (Vaswani et al. 2017).

    The heads are `heads` equal parts of the queries' features. Where their dimension is fixed, an elastic number of heads is
    one evaluation; where it varies, attention is evaluated once for each joint choice. `kv_heads` shares keys and values
    between neighbouring heads (Ainslie et al. 2023). `relative_position=r` adds AutoFormer's two-dimensional relative
    positions, clipped at distance `r`, to keys and values (Chen et al. 2021).
    """
    heads, kv_heads = call["heads"], call["kv_heads"] or call["heads"]
    call.check.whole(heads, call.span_of("heads"), "`heads`")
    dim = _head_dim(call, "q", heads, "heads")
    _shared_heads(call, heads, kv_heads)
    key_dim, value_dim = (
        _head_dim(call, "k", kv_heads, "kv_heads"),
        _head_dim(call, "v", kv_heads, "kv_heads"),
    )
    call.check.hold(
        ex.apply("==", dim, key_dim),
        "TSP0301",
        "heads of queries and keys differ in width",
        call.span_of("k"),
    )
    length, keys = _lengths(call)
    once = all(map(is_fixed, (dim, value_dim, ex.apply("/", heads, kv_heads)))) and _one_segment(call)
    if not once and any(call[n].type.kind == "heads" for n in "qkv"):
        raise call.error(
            "TSP0502",
            "heads that are split need one width for all choices",
            text=f"here it is {ex.show(value_dim)}",
        )
    positions = (
        ()
        if once
        else ex.union(heads, kv_heads, *call["q"].type.features.segments, *call["v"].type.features.segments)
    )
    tables, options = _relative(call, dim, value_dim, once)
    options = (
        *given(
            kv_heads=(kv_heads, heads), v_dim=(fixed(value_dim), fixed(dim)), causal=(call["causal"], False)
        ),
        *options,
    )
    width = ex.apply("*", heads, fixed(value_dim))
    pairs = ex.product_of([heads, length, keys])
    make = Constructor("Attend", (heads, fixed(dim)), options)
    return Inferred(
        TensorType(
            "tokens",
            axis(width),
            call["q"].type.sizes,
            call["q"].type.grid,
            padding="anything" if tables else "zero",
        ),
        Code("{layer}({0}, {1}, {2}, at)", make),
        Code("{layer}({0}, {1}, {2})", make, support="relative_attend" if tables else "attend"),
        weights=tables,
        macs=ex.product_of([pairs, ex.apply("+", dim, value_dim), ex.const(2 if tables else 1)]),
        sums_over=positions,
        lowerings=("once",) if once else ("loop",),
        shape_comment=True,
    )


def _head_dim(call: Bound, name: str, heads: Extent, divisor: str) -> Extent:
    type: TensorType = call[name].type
    if type.heads is not None:
        call.check.hold(
            ex.apply("==", type.heads, heads),
            "TSP0301",
            f"`{name}` has {ex.show(type.heads)} heads",
            call.span_of(name),
        )
        return type.features.width
    dim = ex.apply("/", type.features.width, heads)
    names = (ex.show(type.features.width), ex.show(heads))
    call.check.whole(dim, call.span_of(divisor), "a head's width", divisor=names)
    return dim


def _shared_heads(call: Bound, heads: Extent, kv_heads: Extent) -> None:
    shared = ex.apply("/", heads, kv_heads)
    call.check.whole(
        shared, call.span_of("kv_heads"), "heads for each key", divisor=(ex.show(heads), ex.show(kv_heads))
    )


def _lengths(call: Bound) -> tuple[Extent, Extent]:
    q, k, v = (call[n].type.sizes[0] for n in "qkv")
    call.check.hold(
        ex.apply("==", k, v), "TSP0301", f"{ex.show(k)} keys and {ex.show(v)} values", call.span_of("v")
    )
    if call["causal"]:
        call.check.hold(
            ex.apply("==", q, k),
            "TSP0301",
            "causal attention needs as many keys as queries",
            call.span_of("k"),
        )
    call.check.sampled_only(ex.union(q, k), "`attend` reads an elastic number of tokens", call.span)
    return q, k


def _one_segment(call: Bound) -> bool:
    values: list[Value] = [call[n] for n in "qkv"]
    return all(single(v.type.features) for v in values)


def _relative(
    call: Bound, dim: Extent, value_dim: Extent, once: bool
) -> tuple[tuple[Weight, ...], tuple[tuple[str, Slot], ...]]:
    distance, grid = call["relative_position"], call["q"].type.grid
    if distance is None:
        return (), ()
    if not once:
        raise call.error(
            "TSP0502",
            "relative positions need a fixed head dimension",
            "relative_position",
            f"here it is {ex.show(dim)}",
        )
    if grid is None or call["k"].type.grid != grid:
        raise call.error(
            "TSP0302",
            "relative positions need tokens that form a grid",
            "relative_position",
            str(call["q"].type),
        )
    rows = axis(ex.const(2 * distance + 2))
    tables = tuple(
        Weight(f"rel_{what}_{way}", (rows, axis(fixed(size))), out=None)
        for what, size in (("k", dim), ("v", value_dim))
        for way in ("v", "h")
    )
    return tables, (
        ("relative_position", distance),
        ("grid", (grid.height, grid.width)),
        ("prefix", grid.prefix),
    )
