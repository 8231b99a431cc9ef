"""Weights of convolutions that declare how they are read, in place of the leading and the centred part.

*Kernel transform* (once-for-all, Cai et al. 2020, section 3.3): a kernel is the centred part of the next larger
one times a learnt matrix, `W5 = centre5(W7) T5`, `W3 = centre3(W5) T3`, on kernels as rows of k² numbers. The
matrices are shared by all channels and start as identities. Their mixture is `Σ_k p_k · pad(W_k)`.

*Channel rules* (Yu et al. 2020, section 4.4): how c of the c_max output channels are read. "shuffle" takes c of
them by a pseudo-random order that belongs to (c_max, c): one order for all widths would be slicing under another
name. "interpolate" takes averages of neighbours, `y_i = mean(W[⌊i·c_max/c⌋ : ⌈(i+1)·c_max/c⌉])`.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from random import Random
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tanglert.box import Span
from tanglert.choices import Choices, Mixed, Term
from tanglert.dim import Axis
from tanglert.extent import Extent, extent
from tanglert.nn.mask import Kernel, WeightAxis
from tanglert.nn.superpose import Entanglement, sum_over

Channels: TypeAlias = Literal["slice", "shuffle", "interpolate"]


class KernelTransform(nn.Module):
    """The matrices T (k², k²) of every kernel size but the largest, and the kernels that they make."""

    def __init__(self, size: Extent | int) -> None:
        super().__init__()
        self.kernel = Kernel(size)
        sizes = {k for k in extent(size).table if isinstance(k, int)}
        self.sizes = sorted(sizes, reverse=True)
        self.matrices = nn.ParameterDict({str(k): nn.Parameter(torch.eye(k * k)) for k in self.sizes[1:]})

    def forward(self, weight: Tensor, at: Choices) -> Tensor:
        """The kernels of `at` from the largest ones, (…, K, K): (…, k, k), for a mixture padded to (…, K, K).

        Every size is a linear map of the largest kernels, and so is the mixture: the maps are mixed, which are small.
        """
        if not isinstance(at, Mixed) or len(self.sizes) == 1:
            return self.kernels(weight, at.size(self.kernel.extent))
        maps = self.maps(weight)

        def term(j: Term) -> Tensor:
            made = maps[j.size(self.kernel.extent)]
            return made if torch.is_grad_enabled() else made.detach()

        return (weight.flatten(-2) @ sum_over(self.kernel.positions, at, term)).view_as(weight)

    def maps(self, weight: Tensor) -> dict[int, Tensor]:
        """For every size the matrix (K², K²) by which its kernels, zero padded, are made of the largest ones."""
        side = self.kernel.side
        made = {side: torch.eye(side**2, dtype=weight.dtype, device=weight.device)}
        for larger, k in pairwise(self.sizes):
            step = F.pad(self.matrices[str(k)].t().reshape(k, k, k, k), ((side - k) // 2,) * 8)
            made[k] = made[larger] @ step.view(side**2, side**2)
        return made

    def spans(self, at: Choices, rank: int) -> dict[int, list[Span]]:
        """What is read of the largest kernels: them, or the centre that the first matrix is applied to."""
        side = self.kernel.side
        read = side if at.size(self.kernel.extent) == side else self.sizes[1]
        start = (side - read) // 2
        return dict.fromkeys((rank - 2, rank - 1), [(start, start + read)])

    def kernels(self, weight: Tensor, size: int) -> Tensor:
        """From one size to the next smaller one, down to `size`."""
        for smaller in self.sizes[1:]:
            if smaller >= size:
                start = (weight.shape[-1] - smaller) // 2
                centre = weight.narrow(-2, start, smaller).narrow(-1, start, smaller)
                weight = F.linear(centre.flatten(-2), self.matrices[str(smaller)]).view_as(centre)
        return weight


class Reading(Entanglement):
    """How a weight is read whose output channels follow a rule, or whose kernels are transformed.

    A weight with a channel rule has no closed mixture: it is read at architectures and terms only.
    """

    def __init__(
        self,
        out: Axis,
        *axes: WeightAxis,
        gain: bool = True,
        channels: Channels = "slice",
        transform: KernelTransform | None = None,
    ) -> None:
        ruled = channels != "slice"
        rest = [Kernel(a.side) if transform is not None and isinstance(a, Kernel) else a for a in axes]
        super().__init__(Axis(out.size) if ruled else out, *rest, gain=[gain, *(True for _ in axes)])
        self.out, self.channels = out if ruled else Axis(out.size), channels
        self.transform = transform
        plain = transform is None and not ruled
        self.scalable, self.light = self.scalable and plain, self.light and plain

    def slice(self, weight: Tensor, at: Choices) -> Tensor:
        weight = super().slice(weight, at)
        if self.channels == "interpolate":
            weight = self._rows(weight, at)
        return weight if self.transform is None else self.transform(weight, at)

    def cut(self, weight: Tensor, at: Choices) -> Tensor:
        weight = super().cut(weight, at)
        return self._rows(weight, at) if self.channels == "shuffle" else weight

    def spans(self, at: Choices, rank: int) -> dict[int, list[Span]]:
        spans = super().spans(at, rank)
        if self.channels == "shuffle" and self.out.positions:
            spans[0] = self._shuffled(at)
        if self.transform is not None:
            spans |= self.transform.spans(at, rank)
        return spans

    def _shuffled(self, at: Choices) -> list[Span]:
        """The output channels of every segment by the rule, one by one where they vary."""
        spans, start = [(0, 0)], 0  # with nothing at the front, so that a width of 0 is a tensor as well
        for size, segment in zip(self.out.sizes, self.out.segments):
            rows = _order(size, at.size(segment)) if segment.positions else ()
            spans += [(start + row, start + row + 1) for row in rows]
            spans += [] if segment.positions else [(start, start + size)]
            start += size
        return spans

    def mix(self, weight: Tensor, at: Mixed) -> Tensor:
        weight = self._rows(super().mix(weight, at), at)
        return weight if self.transform is None else self.transform(weight, at)

    def _rows(self, weight: Tensor, at: Choices) -> Tensor:
        """The output channels of every segment that varies, by the rule."""
        if not self.out.positions:
            return weight
        read = shuffled if self.channels == "shuffle" else interpolated
        pieces = zip(weight.split_with_sizes(self.out.sizes), self.out.segments)
        return torch.cat([read(p, at.size(s)) if s.positions else p for p, s in pieces])


def shuffled(weight: Tensor, width: int) -> Tensor:
    """`width` of the rows, in their pseudo-random order."""
    return weight.index_select(0, torch.tensor(_order(len(weight), width), device=weight.device))


@cache
def _order(largest: int, width: int) -> tuple[int, ...]:
    """The first `width` of the numbers below `largest` in an order that only these two decide on."""
    random = Random(largest * 1_000_003 + width)
    return tuple(sorted(range(largest), key=lambda _: random.random())[:width])


def interpolated(weight: Tensor, width: int) -> Tensor:
    """As many averages of neighbouring rows."""
    columns = weight.reshape(len(weight), -1).t()
    return F.adaptive_avg_pool1d(columns, width).t().reshape(width, *weight.shape[1:])
