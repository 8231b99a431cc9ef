"""Entangled convolutions over pixels (B, C, H, W)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from tanglert.choices import Choices, Mixed
from tanglert.dim import Axis, AxisLike, axis
from tanglert.extent import Extent, extent, ordered
from tanglert.nn.layer import Layer, Lowering
from tanglert.nn.lowering import cheaper_scaled
from tanglert.nn.mask import Kernel, WeightAxis
from tanglert.nn.reading import Channels, KernelTransform, Reading


class _Conv(Layer):
    """What every convolution has: a kernel, and how it moves. The channels are axis 1."""

    dim = 1
    weight: nn.Parameter

    def __init__(
        self,
        kernel: Extent | int,
        stride: Extent | int,
        padding: Extent | int | None,
        dilation: Extent | int,
        lowering: Lowering,
    ) -> None:
        super().__init__()
        self.kernel = Kernel(kernel)
        self.stride, self.padding, self.dilation = stride, padding, dilation
        self.lowering = lowering

    def weights(
        self,
        largest: nn.Conv2d,
        out: Axis,
        per_group: WeightAxis,
        gain: bool,
        channels: Channels,
        transform: bool,
    ) -> None:
        """Take over the weights of the largest convolution, (out, per_group, k, k) and (out).

        Rules without a closed mixture are evaluated once per joint choice: channels that are not sliced, and
        transformed kernels whose size depends on what the channels depend on.
        """
        if channels != "slice" and not gain:
            raise ValueError(
                f"`channels={channels}`: a batch norm can only take over the gain of sliced channels"
            )
        matrices = KernelTransform(self.kernel.extent) if transform else None
        self.hold(
            "weight",
            largest.weight,
            Reading(out, per_group, self.kernel, gain=gain, channels=channels, transform=matrices),
        )
        self.hold("bias", largest.bias, Reading(out, gain=gain, channels=channels))
        tied = set(self.kernel.positions) & {*self.reads.positions, *self.writes.positions}
        if channels != "slice" and out.positions or transform and tied:
            self.lowering = "loop"

    def groups_of(self, x: Tensor, at: Choices) -> int:
        """The number of groups for a tensor of so many channels."""
        raise NotImplementedError

    def evaluate(self, x: Tensor, at: Choices, *shared: Tensor) -> Tensor:
        weight, bias = self.weight, self.block("bias", at)
        return self.weighing(weight, at, lambda w: self._convolve(x, w, bias, at))

    def mixture(self, x: Tensor, at: Mixed, *shared: Tensor) -> Tensor:
        """With a fixed kernel and separable masks, also with the channels scaled before and after."""
        weight, masks = self.weight, self.entanglement("weight")
        pixels = x.numel() // max(1, x.shape[1])
        if not cheaper_scaled(self.lowering, masks, weight, pixels, self.rebuilds):
            return self.evaluate(x, at)
        bias = self.unmasked("bias", at)
        y = self._convolve(masks.scale_read(x, 1, at), masks.trim(weight, at), bias, at)
        return masks.scale(y, 0, 1, at)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None, at: Choices) -> Tensor:
        """The convolution; `padding=None` is "same" for odd kernels and none for even ones."""
        dilation, side = at.size(self.dilation), weight.shape[-1]
        same = dilation * (side - 1) // 2 if side % 2 else 0
        padding = same if self.padding is None else at.size(self.padding)
        return F.conv2d(x, weight, bias, at.size(self.stride), padding, dilation, self.groups_of(x, at))


class Conv(_Conv):
    """A convolution, W (out, in / groups, k, k): leading channels, centred kernels.

    Stride, dilation, padding and number of groups may vary where the dimension is sampled only. Groups of a
    fixed size nest, and so does one group; elastic channels in a fixed number of groups are evaluated once
    per joint choice. `gain=False`: the only reader is a batch norm over the same channels, which applies the
    gain of `out` itself. `channels` and `transform`: see `tanglert.nn.reading`. ValueError for an elastic
    input of several segments in groups, and for `gain=False` of channels that are not sliced, or are so in a fixed number
    of groups.
    """

    def __init__(
        self,
        inp: AxisLike,
        out: AxisLike,
        kernel: Extent | int,
        stride: Extent | int = 1,
        padding: Extent | int | None = None,
        dilation: Extent | int = 1,
        groups: Extent | int = 1,
        bias: bool = True,
        channels: Channels = "slice",
        transform: bool = False,
        gain: bool = True,
        lowering: Lowering = "auto",
    ) -> None:
        super().__init__(kernel, stride, padding, dilation, lowering)
        self.reads, out = axis(inp), axis(out)
        self.writes = out if gain else Axis(out.size)
        self.groups = extent(groups)
        self.group = ordered(
            self.reads.positions + self.writes.positions + self.kernel.positions + self.groups.positions
        )
        one_group = self.groups == extent(1)
        self.per_group = self.reads if one_group else axis(_single(self.reads) / self.groups)
        rows = extent(0) if one_group else _single(out) / self.groups
        self.nested = not one_group and not self.per_group.positions and not rows.positions
        if self.nested and not gain:  # nothing is left to sum over: groups do not mix, and none is scaled
            self.reads = Axis(self.reads.size)
            self.group = self.kernel.positions
        if not one_group and not self.nested:
            if not gain and out.positions:
                raise ValueError(
                    "a batch norm cannot take over the gain of elastic channels in a fixed number of groups"
                )
            self.lowering = "loop"
        largest = nn.Conv2d(self.per_group.size, out.size, self.kernel.side, bias=bias)
        self.weights(largest, out, self.per_group, gain, channels, transform)

    def groups_of(self, x: Tensor, at: Choices) -> int:
        return x.shape[1] // self.per_group.size if self.nested else at.size(self.groups)


class Depthwise(_Conv):
    """A convolution of every channel by itself, W (C, 1, k, k).

    `gain=False`: the only reader is a batch norm over the same channels, which applies their gain itself.
    `transform`: see `tanglert.nn.reading`.
    """

    def __init__(
        self,
        channels: AxisLike,
        kernel: Extent | int,
        stride: Extent | int = 1,
        padding: Extent | int | None = None,
        dilation: Extent | int = 1,
        bias: bool = True,
        transform: bool = False,
        gain: bool = True,
        lowering: Lowering = "auto",
    ) -> None:
        super().__init__(kernel, stride, padding, dilation, lowering)
        channels = axis(channels)
        self.reads = self.writes = channels if gain else Axis(channels.size)
        self.group = ordered(self.writes.positions + self.kernel.positions)
        largest = nn.Conv2d(channels.size, channels.size, self.kernel.side, groups=channels.size, bias=bias)
        self.weights(largest, channels, 1, gain, "slice", transform)

    def groups_of(self, x: Tensor, at: Choices) -> int:
        return x.shape[1]


def _single(along: Axis) -> Extent:
    """The width of an axis as one extent."""
    if len(along.segments) > 1 and along.positions:
        raise ValueError("an elastic axis of several segments cannot be cut into groups")
    return along.segments[0] if len(along.segments) == 1 else extent(along.size)
