"""Entangled norms. Those that reduce over an elastic axis are mixtures of the norms of each width.

Let `T` be the table of an axis' joint choices `j`, (joint choices, D), `T[j, c] = [c ∈ block(j)]`, and `n_j`
its row sums. With the mean `m_j` and the variance `v_j` over the channels of `j`, and `r_j = (v_j +
eps)^-1/2`, the defining sum `Σ_j p_j · pad(norm(take(x, j)))` is

    y_c = w_c · (x_c · Σ_j p_j r_j T[j, c] − Σ_j p_j r_j m_j T[j, c]) + b_c · Σ_j p_j T[j, c],

and all moments of all widths are one thin matrix product of x, and of x², with `T`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tanglert.choices import Choices, Mixed
from tanglert.dim import Axis, AxisLike, axis
from tanglert.extent import Extent, extent, ordered
from tanglert.nn.credit import credited
from tanglert.nn.layer import Layer
from tanglert.nn.mask import by_runs
from tanglert.nn.moments import Widths, mixed_norm
from tanglert.nn.superpose import take
from tanglert.nn.unrounded import unrounded


class _Norm(Layer):
    """A norm over the width axis `dim`, with an affine map of every channel."""

    weight: nn.Parameter
    bias: nn.Parameter | None

    def __init__(self, along: AxisLike, dim: int, bias: bool, lowering: str) -> None:
        super().__init__()
        self.reads = self.writes = axis(along)
        self.group = self.reads.positions
        self.dim = dim
        self.lowering = lowering
        size = self.reads.size
        self.own("weight", nn.Parameter(torch.ones(size)), self.reads)
        self.own("bias", nn.Parameter(torch.zeros(size)) if bias else None, self.reads)


class _Moments(_Norm):
    """A norm whose statistics are taken over the width axis itself: keeps the table `T`, exact in every precision."""

    table: Tensor
    short: Tensor

    def __init__(self, along: AxisLike, dim: int, bias: bool, lowering: str) -> None:
        super().__init__(along, dim, bias, lowering)
        table = _table(self.reads)
        self.lengths, short = by_runs(table)
        self.register_buffer("table", table, persistent=False)
        self.register_buffer("short", short, persistent=False)

    def evaluate(self, x: Tensor, at: Choices, *shared: Tensor) -> Tensor:
        last = x.movedim(self.dim, -1)
        return self.plain(last, self.block("weight", at), self.block("bias", at)).movedim(-1, self.dim)

    @unrounded
    def mixture(self, x: Tensor, at: Mixed, *shared: Tensor) -> Tensor:
        if not self.group:
            return self.evaluate(x, at)
        last = x.movedim(self.dim, -1)
        p = at.joint(self.group).to(self.table.dtype)
        return (self.vertex(last, p, at) if at.cuts(self.reads) else self.mixed(last, p, at)).movedim(
            -1, self.dim
        )

    def vertex(self, x: Tensor, p: Tensor, at: Mixed) -> Tensor:
        """The norm over the drawn width, with the gradient of every other one by its joint probability `p`.

        Behind the drawn width there are zeros: wider norms differ in their statistics only.
        """
        weight = self.entanglement("weight").slice(self.weight, at)
        bias = None if self.bias is None else self.entanglement("bias").slice(self.bias, at)
        table = take(self.table, self.reads, -1, at)
        known, scale = x.detach().to(table), weight.detach()
        shift = None if bias is None else bias.detach()
        y = self.plain(x, weight, bias)
        return credited(y, p, lambda g: self.credit(g.to(table), known, scale, shift, table))

    def counts(self) -> Tensor:
        """`n`, (joint choices); 1 for a width of 0."""
        return self.table.sum(1).clamp(min=1)

    def widths(self, at: Mixed) -> Widths:
        """Who reads which channel; once for all norms of the axis."""
        key = "widths", self.entanglement("weight").lines[0].key, self.table.dtype
        return at.once(self.group, key, self._widths)

    def _widths(self) -> Widths:
        counts = self.counts().unsqueeze(1)
        return Widths(self.table, self.lengths, self.short, counts, self.table / counts)

    def plain(self, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        """The norm over the whole last axis."""
        raise NotImplementedError

    def mixed(self, x: Tensor, p: Tensor, at: Mixed) -> Tensor:
        """The mixture of the norms over the last axis, by joint probabilities `p`."""
        raise NotImplementedError

    def credit(self, g: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, table: Tensor) -> Tensor:
        """`⟨g, norm_j(x)⟩` for every joint choice j, where x is 0 outside of the columns of `table`."""
        raise NotImplementedError


class LayerNorm(_Moments):
    """Layer norm over an elastic width: the mixture of the norms of each width.

    Lowering "moments" is the closed form above (`tanglert.nn.moments`), "loop" the defining sum.
    """

    def __init__(
        self, along: AxisLike, bias: bool = True, eps: float = 1e-5, dim: int = -1, lowering: str = "auto"
    ) -> None:
        super().__init__(along, dim, bias, lowering)
        self.eps = eps

    def plain(self, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], weight, bias, self.eps)

    def mixed(self, x: Tensor, p: Tensor, at: Mixed) -> Tensor:
        shift = self.block("bias", at)
        return mixed_norm(x, p, self.weight, shift, self.widths(at), self.eps, centred=True)

    def credit(self, g: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, table: Tensor) -> Tensor:
        over, counts = table.t(), self.counts()
        absent = counts - table.sum(1)
        centre = x.mean(-1, keepdim=True)  # the zeros that are absent are shifted with the rest
        x = x - centre
        mean = (x @ over - centre * absent) / counts
        square = ((x * x) @ over + centre * centre * absent) / counts
        scale = torch.rsqrt((square - mean * mean).clamp(min=0) + self.eps)
        weighted = g * weight
        total = _summed(scale * ((weighted * x) @ over - mean * (weighted @ over)))
        return total if bias is None else total + (_summed(g) * bias) @ over


class RMSNorm(_Moments):
    """RMS norm (Zhang and Sennrich 2019) over an elastic width; `eps=None` is the smallest of the type, as in
    torch.
    """

    def __init__(
        self, along: AxisLike, eps: float | None = None, dim: int = -1, lowering: str = "auto"
    ) -> None:
        super().__init__(along, dim, False, lowering)
        self.eps = eps

    def plain(self, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
        return F.rms_norm(x, x.shape[-1:], weight, self.eps)

    def mixed(self, x: Tensor, p: Tensor, at: Mixed) -> Tensor:
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        return mixed_norm(x, p, self.weight, None, self.widths(at), eps, centred=False)

    def credit(self, g: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, table: Tensor) -> Tensor:
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        square = (x * x) @ table.t() / self.counts()
        return _summed(torch.rsqrt(square + eps) * ((g * weight * x) @ table.t()))


class GroupNorm(_Norm):
    """Group norm (Wu and He 2018) of pixels (B, C, H, W), in `groups` groups or in groups of `group_size`
    channels.

    Groups of a fixed size nest: a choice has the first of them. A fixed number of groups is evaluated once
    per choice. ValueError unless exactly one of the two is given.
    """

    def __init__(
        self,
        along: AxisLike,
        groups: Extent | int | None = None,
        group_size: int | None = None,
        eps: float = 1e-5,
        dim: int = 1,
        lowering: str = "auto",
    ) -> None:
        if (groups is None) == (group_size is None):
            raise ValueError("group norm: give either the number of groups or their size")
        super().__init__(along, dim, True, lowering)
        self.groups = None if groups is None else extent(groups)
        self.group_size = group_size
        self.eps = eps
        if self.groups is not None:
            self.group = ordered(self.reads.positions + self.groups.positions)
        if self.group and not self._nested():
            self.lowering = "loop"

    def _nested(self) -> bool:
        """Whether a group lies in one segment and has the same channels whatever is chosen."""
        size = self.group_size
        return size is not None and all(
            isinstance(n, int) and n % size == 0 for s in self.reads.segments for n in s.table
        )

    def evaluate(self, x: Tensor, at: Choices, *shared: Tensor) -> Tensor:
        first = x.movedim(self.dim, 1)
        groups = at.size(self.groups) if self.groups is not None else first.shape[1] // (self.group_size or 1)
        y = F.group_norm(first, groups, self.block("weight", at), self.block("bias", at), self.eps)
        return y.movedim(1, self.dim)


def _summed(values: Tensor) -> Tensor:
    """The sum over all axes but the last."""
    return values.flatten(0, -2).sum(0)


def _table(along: Axis) -> Tensor:
    """`T`: which channels every joint choice of the axis' positions has, (joint choices, D)."""
    rows = []
    widths = zip(*(segment.over(along.positions) for segment in along.segments))
    for row in widths:
        segments = [torch.arange(size) < int(width) for size, width in zip(along.sizes, row)]
        rows.append(torch.cat(segments))
    return torch.stack(rows).to(torch.get_default_dtype())
