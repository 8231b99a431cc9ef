"""The entangled linear map."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tanglert.choices import Choices, Mixed
from tanglert.dim import Axis, AxisLike, axis
from tanglert.extent import ordered
from tanglert.nn.layer import Layer, Lowering
from tanglert.nn.lowering import cheaper_scaled
from tanglert.nn.superpose import Entanglement


class Linear(Layer):
    """`x Wᵀ + b` over the last axis; W (out, in) and b (out) superposed over what `inp` and `out` depend on.

    `gain=False`: the only reader is a batch norm over the same channels, which applies the gain of `out`
    itself. `tied=True`: the weight is another layer's of the same axes, given at every call (`linear(x, at,
    table.weight)`).
    """

    weight: nn.Parameter

    def __init__(
        self,
        inp: AxisLike,
        out: AxisLike,
        bias: bool = True,
        gain: bool = True,
        tied: bool = False,
        lowering: Lowering = "auto",
    ) -> None:
        super().__init__()
        self.reads, out = axis(inp), axis(out)
        self.writes = out if gain else Axis(out.size)
        self.group = ordered(self.reads.positions + self.writes.positions)
        self.lowering = lowering
        if tied:
            self.reads_by("weight", Entanglement(out, self.reads, gain=[gain, True]))
            self.own("bias", nn.Parameter(torch.zeros(out.size)) if bias else None, out, gain=[gain])
        else:
            largest = nn.Linear(self.reads.size, out.size, bias=bias)
            self.own("weight", largest.weight, out, self.reads, gain=[gain, True])
            self.own("bias", largest.bias, out, gain=[gain])

    def evaluate(self, x: Tensor, at: Choices, *shared: Tensor) -> Tensor:
        weight = shared[0] if shared else self.weight
        bias = self.block("bias", at)
        return self.weighing(weight, at, lambda w: F.linear(x, w, bias))

    def mixture(self, x: Tensor, at: Mixed, *shared: Tensor) -> Tensor:
        """With separable masks, also as `s_out ⊙ (W (s_in ⊙ x) + b)`."""
        weight, masks = shared[0] if shared else self.weight, self.entanglement("weight")
        tokens = x.numel() // max(1, x.shape[-1])
        if not cheaper_scaled(self.lowering, masks, weight, tokens, self.rebuilds):
            return self.evaluate(x, at, *shared)
        bias = self.unmasked("bias", at)
        y = F.linear(masks.scale_read(x, -1, at), masks.trim(weight, at), bias)
        return masks.scale(y, 0, -1, at)
