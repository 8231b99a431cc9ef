"""Convolutions."""

from __future__ import annotations

from collections.abc import Sequence

from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Position
from tanglec.ir.nodes import Code, Constructor, Kernel, Slot, Weight
from tanglec.ir.types import Axis, TensorType, axis
from tanglec.ops.registry import Bound, Inferred, fixed, given, is_fixed, operation, single
from tanglec.ops.window import plain_window, window, window_options


@operation(
    "conv",
    "x: pixels, out: size, kernel: extent, stride: extent = 1, padding: whole? = none, dilation: extent = 1, "
    "groups: extent = 1, bias: flag = true, transform: flag = false, "
    "channels: name(slice|shuffle|interpolate) = slice",
)
def conv(call: Bound) -> Inferred:
    """A square convolution. Padding is "same" (`dilation * (kernel - 1) / 2`) for odd kernels and 0 for even ones.

    An elastic kernel reads the centred part of the largest, has one parity and "same" padding. With `transform=true` each
    size is the centred part of the next larger one times a learnt matrix (Cai et al. 2020); the matrices are no part of a
    subnet. Channels nest under a fixed group size; with a fixed number of groups every choice is evaluated. `channels`
    says how a choice reads the output channels of the weight (Yu et al. 2020): the leading ones, a pseudo-random selection
    for each width, or averages of neighbours; the last two are evaluated for every choice.
    """
    x, out, groups = call["x"].type, call["out"], call["groups"]
    inner, outer = _grouped(call, x.features, groups), _grouped(call, out, groups)
    sizes = window(call, x)
    per_group = x.features if groups == ex.const(1) else axis(fixed(inner))
    nested = (
        groups == ex.const(1) or is_fixed(inner) and is_fixed(outer) and single(out) and single(x.features)
    )
    shared = (*window_options(call), *given(groups=(groups, ex.const(1)), bias=(call["bias"], True)))
    rules = (*_transform(call), *given(channels=(call["channels"] if out.positions else "slice", "slice")))
    plain = (*plain_window(call), *given(groups=(groups, ex.const(1)), bias=(call["bias"], True)))
    arguments = (x.features, out, call["kernel"])
    return Inferred(
        TensorType("pixels", out, sizes),
        Code("{layer}({0}, at)", Constructor("Conv", arguments, (*shared, *rules))),
        Code("{layer}({0})", Constructor("nn.Conv2d", arguments, plain)),
        weights=_weights(call, out, per_group),
        macs=ex.product_of([*sizes, out.width, inner, call["kernel"], call["kernel"]]),
        sums_over=ex.union(*out.segments, *x.features.segments, call["kernel"], groups),
        lowerings=_lowerings(
            call, nested and "channels" not in dict(rules), (*out.positions, *x.features.positions)
        ),
        shape_comment=True,
    )


@operation(
    "depthwise",
    "x: pixels, kernel: extent, stride: extent = 1, padding: whole? = none, dilation: extent = 1, bias: flag = true, "
    "transform: flag = false",
)
def depthwise(call: Bound) -> Inferred:
    """A convolution of every channel with a kernel of its own (`groups` = channels); padding and `transform` as in `conv`."""
    x, kernel = call["x"].type, call["kernel"]
    sizes = window(call, x)
    bias = given(bias=(call["bias"], True))
    options = (*window_options(call), *bias, *_transform(call))
    plain = (*plain_window(call), ("groups", x.features), *bias)
    return Inferred(
        TensorType("pixels", x.features, sizes),
        Code("{layer}({0}, at)", Constructor("Depthwise", (x.features, kernel), options)),
        Code("{layer}({0})", Constructor("nn.Conv2d", (x.features, x.features, kernel), plain)),
        weights=_weights(call, x.features, axis(ex.const(1))),
        macs=ex.product_of([*sizes, x.features.width, kernel, kernel]),
        lowerings=_lowerings(call, True, x.features.positions),
        shape_comment=True,
    )


def _weights(call: Bound, out: Axis, per_group: Axis) -> tuple[Weight, ...]:
    """Those of a subnet: the matrices of a kernel transform are not among them."""
    weight = Weight("weight", (out, per_group, Kernel(call["kernel"])))
    return (weight, Weight("bias", (out,))) if call["bias"] else (weight,)


def _transform(call: Bound) -> tuple[tuple[str, Slot], ...]:
    """The option of a kernel transform, where there is a second size to transform to."""
    return given(transform=(call["transform"] and not is_fixed(call["kernel"]), False))


def _lowerings(call: Bound, closed: bool, channels: Sequence[Position]) -> tuple[str, ...]:
    """The superposed weight, unless a transformed kernel is tied to the channels by what both depend on. Scaled channels
    where they alone vary, those read and those written for themselves.
    """
    kernel = {*call["kernel"].positions}
    if not closed or _transform(call) and kernel & {*channels}:
        return ("loop",)
    alone = not kernel and len(channels) == len({*channels})
    return ("mask", "scale", "loop") if alone else ("mask", "loop")


def _grouped(call: Bound, channels: Axis, groups: Extent) -> Extent:
    call.check.whole(groups, call.span_of("groups"), "`groups`")
    inner = ex.apply("/", channels.width, groups)
    call.check.whole(
        inner,
        call.span_of("groups"),
        "the number of channels in a group",
        divisor=(ex.show(channels.width), ex.show(groups)),
    )
    return inner
