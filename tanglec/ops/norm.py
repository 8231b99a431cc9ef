"""Normalisations. Each is a mixture of the normalisations of every width (rule 5), never one of the padded tensor."""

from __future__ import annotations

from tanglec.ir import extents as ex
from tanglec.ir.nodes import Code, Constructor, Slot, Weight
from tanglec.ir.types import Axis, TensorType, axis
from tanglec.ops.registry import Bound, Inferred, feature_dim, given, is_fixed, operation, single


def _affine(features: Axis, weight: bool, bias: bool) -> tuple[Weight, ...]:
    names = [name for name, wanted in (("weight", weight), ("bias", bias)) if wanted]
    return tuple(Weight(name, (features,)) for name in names)


def _lowerings(features: Axis, best: str) -> tuple[str, ...]:
    return (best, "loop") if features.positions else ("once",)


def _like(x: TensorType) -> TensorType:
    return TensorType(x.kind, x.features, x.sizes, x.grid, x.heads)


def _no_elastic_heads(call: Bound, x: TensorType) -> None:
    if x.kind == "heads" and x.features.positions:
        raise call.error(
            "TSP0502",
            f"`{call.op.name}` over heads needs a fixed head dimension",
            "x",
            f"here it is {x.features}",
        )


@operation("layer_norm", "x: tensor, bias: flag = true, eps: number = 1e-5")
def layer_norm(call: Bound) -> Inferred:
    """Layer norm over the features (channels of every pixel)."""
    x = call["x"].type
    _no_elastic_heads(call, x)
    shared = given(bias=(call["bias"], True), eps=(call["eps"], 1e-5))
    dim = given(dim=(feature_dim(call["x"]), -1))
    eps = given(eps=(call["eps"], 1e-5))
    if x.kind == "pixels":
        plain = Code(
            "{layer}({0})",
            Constructor("ChannelLayerNorm", (x.features,), shared),
            support="channel_layer_norm",
        )
    else:
        plain = Code(
            "{layer}({0})",
            Constructor("nn.LayerNorm", (x.features,), (*eps, *given(bias=(call["bias"], True)))),
        )
    return Inferred(
        _like(x),
        Code("{layer}({0}, at)", Constructor("LayerNorm", (x.features,), (*shared, *dim))),
        plain,
        weights=_affine(x.features, True, call["bias"]),
        lowerings=_lowerings(x.features, "moments"),
    )


@operation("rms_norm", "x: tokens|vector|heads, eps: number = 1e-6")
def rms_norm(call: Bound) -> Inferred:
    """RMS norm over the features."""
    x = call["x"].type
    _no_elastic_heads(call, x)
    return Inferred(
        _like(x),
        Code("{layer}({0}, at)", Constructor("RMSNorm", (x.features,), (("eps", call["eps"]),))),
        Code("{layer}({0})", Constructor("nn.RMSNorm", (x.features,), (("eps", call["eps"]),))),
        weights=_affine(x.features, True, False),
        lowerings=_lowerings(x.features, "moments"),
    )


@operation(
    "batch_norm",
    "x: pixels|vector|tokens, affine: flag = true, eps: number = 1e-5, momentum: number = 0.1, track: flag = false",
)
def batch_norm(call: Bound) -> Inferred:
    """Batch norm. Statistics of the batch while training; in evaluation those of `recalibrate`, else of the batch.

    With `track=true` running averages over all that is trained are kept as PyTorch does, and take the place of the batch's
    in evaluation; which of the two is a factor of weight sharing (Yu et al. 2020).
    """
    x = call["x"].type
    options = given(
        affine=(call["affine"], True),
        eps=(call["eps"], 1e-5),
        momentum=(call["momentum"], 0.1),
        track=(call["track"], False),
    )
    plain: tuple[tuple[str, Slot], ...] = given(
        eps=(call["eps"], 1e-5), momentum=(call["momentum"], 0.1), affine=(call["affine"], True)
    )
    kind = "nn.BatchNorm2d" if x.kind == "pixels" else "nn.BatchNorm1d"
    text = "{layer}({0}.transpose(1, 2)).transpose(1, 2)" if x.kind == "tokens" else "{layer}({0})"
    return Inferred(
        _like(x),
        Code(
            "{layer}({0}, at)",
            Constructor("BatchNorm", (x.features,), (*options, *given(dim=(feature_dim(call["x"]), 1)))),
        ),
        Code(text, Constructor(kind, (x.features,), plain)),
        weights=_affine(x.features, call["affine"], call["affine"]),
        sums_over=x.features.positions,
        lowerings=_lowerings(x.features, "mask"),
    )


@operation(
    "group_norm", "x: pixels|vector, groups: extent? = none, group_size: whole? = none, eps: number = 1e-5"
)
def group_norm(call: Bound) -> Inferred:
    """Group norm with a number of groups or a group size. Only a fixed group size nests; else each width is evaluated."""
    x, groups, size = call["x"].type, call["groups"], call["group_size"]
    if (groups is None) == (size is None):
        raise call.error("TSP0212", "`group_norm` takes either `groups` or `group_size`")
    name, given_size = ("groups", groups) if size is None else ("group_size", ex.const(size))
    call.check.whole(given_size, call.span_of(name), f"`{name}`")
    quotient = ex.apply("/", x.features.width, given_size)
    call.check.whole(
        quotient, call.span_of(name), "the quotient", divisor=(ex.show(x.features.width), ex.show(given_size))
    )
    count = groups if groups is not None else quotient
    nested = is_fixed(ex.apply("/", x.features.width, count)) and single(x.features)
    option = (("groups", groups),) if groups is not None else (("group_size", size),)
    eps = given(eps=(call["eps"], 1e-5))
    return Inferred(
        _like(x),
        Code("{layer}({0}, at)", Constructor("GroupNorm", (x.features,), (*option, *eps))),
        Code("{layer}({0})", Constructor("nn.GroupNorm", (axis(count), x.features), eps)),
        weights=_affine(x.features, True, True),
        sums_over=ex.union(*x.features.segments, count),
        lowerings=_lowerings(x.features, "mask") if nested else ("loop",),
    )


@operation("softmax", "x: tokens|vector")
def softmax(call: Bound) -> Inferred:
    """Softmax over the features."""
    x = call["x"].type
    return Inferred(
        _like(x),
        Code("{layer}({0}, at)", Constructor("Softmax", (x.features,))),
        Code("{0}.softmax(-1)"),
        sums_over=x.features.positions,
        lowerings=("loop",) if x.features.positions else ("once",),
    )
