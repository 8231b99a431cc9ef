"""Linear layers."""

from __future__ import annotations

from tanglec.ir import extents as ex
from tanglec.ir.nodes import Code, Constructor, Weight
from tanglec.ir.types import TensorType
from tanglec.ops.registry import Bound, Inferred, given, operation


@operation("linear", "x: tokens|vector|heads, out: size, bias: flag = true, weight: layer? = none")
def linear(call: Bound) -> Inferred:
    """`y = x W^T + b` along the features. `weight=table` borrows the weight of a named layer (tied embeddings)."""
    x, out, bias, table = call["x"].type, call["out"], call["bias"], call["weight"]
    weights = (Weight("bias", (out,)),) if bias else ()
    weight = Weight("weight", (out, x.features))
    if table is not None:
        _check_tied(call, table.weights[0], weight)
    positions = tuple(sorted({*out.positions, *x.features.positions}))
    options = given(bias=(bias, True), tied=(table is not None, False))
    supernet = "{layer}({0}, at, {tied})" if table is not None else "{layer}({0}, at)"
    if table is None:
        plain = Code("{layer}({0})", Constructor("nn.Linear", (x.features, out), given(bias=(bias, True))))
    elif bias:
        plain = Code("{layer}({0}, {tied})", Constructor("TiedLinear", (out,)), support="tied_linear")
    else:
        plain = Code("F.linear({0}, {tied})")
    return Inferred(
        TensorType(x.kind, out, x.sizes, x.grid, x.heads),
        Code(supernet, Constructor("Linear", (x.features, out), options)),
        plain,
        weights=weights if table is not None else (weight, *weights),
        macs=ex.product_of([*x.sizes, *(() if x.heads is None else (x.heads,)), x.features.width, out.width]),
        sums_over=positions,
        lowerings=("mask", "loop")
        if {*out.positions} & {*x.features.positions}
        else ("mask", "scale", "loop"),
        tied=table,
    )


def _check_tied(call: Bound, have: Weight, need: Weight) -> None:
    for mine, theirs in zip(need.axes, have.axes, strict=True):
        for a, b in zip(mine.segments, theirs.segments, strict=False):  # type: ignore[union-attr]
            if len(mine.segments) != len(theirs.segments) or not call.check.equal(a, b):  # type: ignore[union-attr]
                raise call.error(
                    "TSP0405",
                    f"the shared weight is ({have.axes[0]}, {have.axes[1]}), needed is ({need.axes[0]}, {need.axes[1]})",
                    "weight",
                )
