"""Convolutions."""

from __future__ import annotations

from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent
from tanglec.ir.nodes import Code, Constructor, Kernel, Slot, Weight
from tanglec.ir.types import Axis, TensorType, axis
from tanglec.ops.registry import Bound, Inferred, fixed, given, is_fixed, operation, single


@operation(
    "conv",
    "x: pixels, out: size, kernel: extent, stride: extent = 1, "
    "padding: whole? = none, dilation: extent = 1, groups: extent = 1, bias: flag = true",
)
def conv(call: Bound) -> Inferred:
    """A square convolution. Padding is "same" (`dilation * (kernel - 1) / 2`) for odd kernels and 0 for even ones.

    An elastic kernel reads the centred part of the largest, has one parity and "same" padding. Channels nest under a fixed
    group size; with a fixed number of groups every choice is evaluated.
    """
    x, out, groups = call["x"].type, call["out"], call["groups"]
    inner, outer = _grouped(call, x.features, groups), _grouped(call, out, groups)
    sizes = window(call, x)
    per_group = x.features if groups == ex.const(1) else axis(fixed(inner))
    weights = [Weight("weight", (out, per_group, Kernel(call["kernel"])))]
    if call["bias"]:
        weights.append(Weight("bias", (out,)))
    nested = (
        groups.is_constant
        and groups.constant == 1
        or is_fixed(inner)
        and is_fixed(outer)
        and single(out)
        and single(x.features)
    )
    window_args = _window_options(call)
    return Inferred(
        TensorType("pixels", out, sizes),
        Code(
            "{layer}({0}, at)",
            Constructor(
                "Conv",
                (x.features, out, call["kernel"]),
                (*window_args, *given(groups=(groups, ex.const(1)), bias=(call["bias"], True))),
            ),
        ),
        Code(
            "{layer}({0})",
            Constructor(
                "nn.Conv2d",
                (x.features, out, call["kernel"]),
                (*_plain_window(call), *given(groups=(groups, ex.const(1)), bias=(call["bias"], True))),
            ),
        ),
        weights=tuple(weights),
        macs=ex.product_of([*sizes, out.width, inner, call["kernel"], call["kernel"]]),
        sums_over=ex.union(*out.segments, *x.features.segments, call["kernel"], groups),
        lowerings=("mask", "loop") if nested else ("loop",),
        shape_comment=True,
    )


@operation(
    "depthwise",
    "x: pixels, kernel: extent, stride: extent = 1, padding: whole? = none, dilation: extent = 1, bias: flag = true",
)
def depthwise(call: Bound) -> Inferred:
    """A convolution of every channel with a kernel of its own (`groups` = channels); padding as in `conv`."""
    x, kernel = call["x"].type, call["kernel"]
    sizes = window(call, x)
    weights = [Weight("weight", (x.features, axis(ex.const(1)), Kernel(kernel)))]
    if call["bias"]:
        weights.append(Weight("bias", (x.features,)))
    options = given(bias=(call["bias"], True))
    return Inferred(
        TensorType("pixels", x.features, sizes),
        Code(
            "{layer}({0}, at)",
            Constructor("Depthwise", (x.features, kernel), (*_window_options(call), *options)),
        ),
        Code(
            "{layer}({0})",
            Constructor(
                "nn.Conv2d",
                (x.features, x.features, kernel),
                (*_plain_window(call), ("groups", x.features), *options),
            ),
        ),
        weights=tuple(weights),
        macs=ex.product_of([*sizes, x.features.width, kernel, kernel]),
        shape_comment=True,
    )


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


def _odd(extent: Extent) -> Extent:
    return ex.apply("==", ex.apply("%", extent, ex.const(2)), ex.const(1))


def same_padding(kernel: Extent, dilation: Extent) -> Extent:
    """`dilation * (kernel - 1) / 2` for odd kernels, 0 for even ones."""
    half = ex.apply("//", ex.apply("*", dilation, ex.apply("-", kernel, ex.const(1))), ex.const(2))
    return ex.apply("where", _odd(kernel), half, ex.const(0))


def padding_of(call: Bound) -> Extent:
    dilation = call.arguments.get("dilation", ex.const(1))
    return (
        ex.const(call["padding"]) if call["padding"] is not None else same_padding(call["kernel"], dilation)
    )


def window(call: Bound, x: TensorType) -> tuple[Extent, ...]:
    """The sizes after a window of `kernel`, `stride`, `padding` and `dilation` went over the input."""
    kernel, stride = call["kernel"], call["stride"]
    dilation = call.arguments.get("dilation", ex.const(1))
    for name in ("kernel", "stride", "dilation"):
        if name in call.arguments:
            call.check.whole(call[name], call.span_of(name), f"`{name}`")
    elastic_kernel = not kernel.is_constant
    if elastic_kernel:
        _check_nested_kernel(call, kernel)
    call.check.sampled_only(
        ex.union(stride, dilation), f"`{call.op.name}` has an elastic stride or dilation", call.span
    )
    call.check.sampled_only(ex.union(*x.sizes), f"`{call.op.name}` reads a tensor of elastic size", call.span)
    return tuple(_after(call, size, kernel, stride, dilation) for size in x.sizes)


def _check_nested_kernel(call: Bound, kernel: Extent) -> None:
    parities = {int(ex.number(k)) % 2 for k in ex.table(kernel)}
    sizes = ", ".join(ex.show_scalar(k) for k in sorted(set(ex.table(kernel)), key=ex.number))
    if parities != {1}:
        raise call.error(
            "TSP0401",
            "the choices of an elastic kernel must all be odd",
            "kernel",
            f"one of {sizes}",
            notes=("a smaller kernel is the centred part of the largest, which only odd sizes have",),
        )
    if call["padding"] is not None:
        raise call.error("TSP0401", 'an elastic kernel has "same" padding', "padding", "leave it out")


def _after(call: Bound, size: Extent, kernel: Extent, stride: Extent, dilation: Extent) -> Extent:
    if call["padding"] is None and not kernel.is_constant:
        reach = ex.apply("-", size, ex.const(1))  # "same" padding of odd kernels: the kernel drops out
    else:
        covered = ex.apply("+", ex.apply("*", dilation, ex.apply("-", kernel, ex.const(1))), ex.const(1))
        reach = ex.apply("-", ex.apply("+", size, ex.apply("*", ex.const(2), padding_of(call))), covered)
    message = f"a window of {ex.show(kernel)} does not fit into an input of {ex.show(size)}"
    call.check.hold(ex.apply(">=", reach, ex.const(0)), "TSP0310", message, call.span_of("kernel"))
    return ex.apply("+", ex.apply("//", reach, stride), ex.const(1))


def _window_options(call: Bound) -> tuple[tuple[str, Slot], ...]:
    one = ex.const(1)
    return given(
        stride=(call["stride"], one), padding=(call["padding"], None), dilation=(call["dilation"], one)
    )


def _plain_window(call: Bound) -> tuple[tuple[str, Slot], ...]:
    one = ex.const(1)
    return given(
        stride=(call["stride"], one),
        padding=(padding_of(call), ex.const(0)),
        dilation=(call["dilation"], one),
    )
