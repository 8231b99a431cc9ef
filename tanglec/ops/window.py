"""Windows that move over pixels: padding, the sizes that come out, and what a window's options look like in code."""

from __future__ import annotations

from tanglec.ir import extents as ex
from tanglec.ir.extents import TRUE, Extent
from tanglec.ir.nodes import Slot
from tanglec.ir.types import TensorType
from tanglec.ops.registry import Bound, given


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
    after = {size: _after(call, size, kernel, stride, dilation) for size in dict.fromkeys(x.sizes)}
    return tuple(after[size] for size in x.sizes)


def _check_nested_kernel(call: Bound, kernel: Extent) -> None:
    parities = {int(ex.number(k)) % 2 for k in ex.table(kernel)}
    if parities != {1}:
        sizes = ", ".join(ex.show_scalar(k) for k in sorted(set(ex.table(kernel)), key=ex.number))
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
    fits = ex.apply(">=", reach, ex.const(0))
    if fits != TRUE:  # the message takes longer than the question
        message = f"a window of {ex.show(kernel)} does not fit into an input of {ex.show(size)}"
        call.check.hold(fits, "TSP0310", message, call.span_of("kernel"))
    return ex.apply("+", ex.apply("//", reach, stride), ex.const(1))


def window_options(call: Bound) -> tuple[tuple[str, Slot], ...]:
    one = ex.const(1)
    return given(
        stride=(call["stride"], one), padding=(call["padding"], None), dilation=(call["dilation"], one)
    )


def plain_window(call: Bound) -> tuple[tuple[str, Slot], ...]:
    one = ex.const(1)
    return given(
        stride=(call["stride"], one),
        padding=(padding_of(call), ex.const(0)),
        dilation=(call["dilation"], one),
    )
