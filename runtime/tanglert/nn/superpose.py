"""The superposition algebra: one weight in place of a sum over joint choices.

A weight `W` of the largest size has axes `a_1 … a_n`. At a joint choice `j` of the positions that they depend
on, axis `a` is read on a subset `block_a(j)` of its indices: the leading part of every segment of a width
axis, the centred part of a kernel. An operation linear in its weight, mixed over `j` (Algorithm 2 of
TangleNAS, Sukthanker et al. 2024), is one operation with

    W_mix = W ⊙ M,      M[i_1 … i_n] = Σ_j p_j Π_a F_a[j, i_a],      F_a[j, i] = [i ∈ block_a(j)].

`p_j` is a product over positions, so `M` factorises:

1. A block of segments (one of every axis) depends on its own positions only; the others sum to one.
2. Axes that share no position, directly or through others, multiply: `M` is the product of their masks.
3. Within such a component, a position that only one axis depends on is contracted into that axis: `G_a[s, i]
   = Σ_q p_q F_a[(s, q), i]`. The shared positions remain as a rank index `s`: `M = Σ_s p_s Π_a G_a[s, i_a]`,
   for two axes the product of two thin matrices, of rank the number of joint choices of what they share.

An axis without *gain* (of a convolution whose only reader is a batch norm over the same channels) contributes
no factor to `M`; an architecture slices it all the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tanglert.choices import Choices, Mixed, Term
from tanglert.dim import Axis, AxisLike, axis
from tanglert.extent import Extent, Position, Value, extent, ordered
from tanglert.nn.unrounded import unrounded


def parts(x: Tensor, along: Axis, dim: int, at: Choices) -> list[Tensor]:
    """The leading part of every segment of a padded tensor, as views."""
    starts = [sum(along.sizes[:k]) for k in range(len(along.sizes))]
    return [x.narrow(dim, start, at.size(segment)) for start, segment in zip(starts, along.segments)]


def take(x: Tensor, along: Axis, dim: int, at: Choices) -> Tensor:
    """The tensor as the architecture has it: the leading parts of all segments. A view where there is one
    segment.
    """
    if not along.positions:
        return x
    pieces = parts(x, along, dim, at)
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim)


def pad(y: Tensor, along: Axis, dim: int, at: Choices) -> Tensor:
    """The inverse of `take`: every segment filled up with zeros to its largest size."""
    if not along.positions:
        return y
    pieces = y.split_with_sizes([at.size(segment) for segment in along.segments], dim)
    after = y.dim() - 1 - dim % y.dim()
    padded = [F.pad(p, (0, 0) * after + (0, size - p.shape[dim])) for p, size in zip(pieces, along.sizes)]
    return padded[0] if len(padded) == 1 else torch.cat(padded, dim)


def sum_over(positions: Sequence[Position], at: Mixed, function: Callable[[Term], Tensor]) -> Tensor:
    """`Σ_j p_j · function(j)` over the joint choices of the positions: the definition of every mixture.

    `function` gives its value padded to the largest size. Positions of sampled-only dimensions are not summed
    over: their choice is known. At a vertex the terms of other choices are evaluated for the probability's gradient alone.
    """
    mixed = tuple(p for p in ordered(positions) if p not in at.fixed)
    if not mixed:
        return function(Term(at.fixed))

    def value(term: Term) -> Tensor:
        live = at.lives({p: term.fixed[p] for p in mixed})
        with torch.set_grad_enabled(live and torch.is_grad_enabled()):
            return function(term)

    terms = at.weighted(mixed)
    probability, term = next(terms)
    total = probability * value(term)
    for probability, term in terms:
        total = total + probability * value(term)
    return total


class Kernel:
    """The two spatial axes of a kernel of elastic size: a choice reads the centred square."""

    def __init__(self, size: Extent | int) -> None:
        self.extent = extent(size)
        self.side = self.extent.largest
        self.size = self.side**2
        self.positions = self.extent.positions

    def crop(self, weight: Tensor, at: Choices) -> Tensor:
        """The centred part of the last two axes."""
        size = at.size(self.extent)
        start = (self.side - size) // 2
        return weight.narrow(-2, start, size).narrow(-1, start, size)


class Segment:
    """A segment of some axis as the algebra sees it: its size, and which indices every joint choice reads.

    `width` is what is superposed, `real` what an architecture reads; they differ where an axis has no gain.
    """

    def __init__(self, width: Extent, size: int, centred: bool, real: Extent) -> None:
        self.extent, self.real = width, real
        self.positions = width.positions
        self.size = size
        self.centred = centred

    def stored(self, at: Mixed) -> int:
        """Its size in a tensor of the mixture."""
        return at.size(self.real) if at.cuts(self.real) else self.size

    def table(self, shared: tuple[Position, ...], private: tuple[Position, ...]) -> Tensor:
        """`F[s, q, i]`, (joint choices of shared, of private, size)."""
        rows = [self._read(value) for value in self.extent.over(shared + private)]
        return torch.stack(rows).view(_joint(shared), _joint(private), self.size)

    def _read(self, value: Value) -> Tensor:
        width = int(value)  # what is not whole is excluded by a condition, and has no probability
        if not self.centred:
            return (torch.arange(self.size) < width).to(torch.get_default_dtype())
        side = math.isqrt(self.size)
        start = (side - width) // 2
        line = torch.zeros(side)
        line[start : start + width] = 1
        return (line.unsqueeze(1) * line).flatten()


WeightAxis: TypeAlias = AxisLike | Kernel


class Entanglement(nn.Module):
    """How the choices of one weight's axes overlap. Holds constant tables, no parameters.

    `gain[k]` False takes axis `k` out of the superposition. A `Kernel` comes last and stands for two axes of
    the weight.
    """

    def __init__(self, *axes: WeightAxis, gain: Sequence[bool] | None = None) -> None:
        super().__init__()
        self.axes = tuple(a if isinstance(a, Kernel) else axis(a) for a in axes)
        self.gain = tuple(gain) if gain is not None else (True,) * len(axes)
        self.sizes = tuple(a.size for a in self.axes)
        layouts = [_segments(a, g) for a, g in zip(self.axes, self.gain)]
        self.counts = tuple(len(layout) for layout in layouts)
        self.blocks = nn.ModuleList(Block(block) for block in product(*layouts))

    @property
    def positions(self) -> tuple[Position, ...]:
        """The combi-superposition group: what the mixture of this weight sums over."""
        return ordered(p for a, g in zip(self.axes, self.gain) if g for p in a.positions)

    def block(self, weight: Tensor, at: Choices) -> Tensor:
        """The weight to compute with: sliced for an architecture, superposed for a mixture."""
        return self.mix(weight, at) if isinstance(at, Mixed) else self.slice(weight, at)

    def slice(self, weight: Tensor, at: Choices) -> Tensor:
        """The part that a choice reads; a view where no axis has several segments."""
        for dim, (along, gain) in enumerate(zip(self.axes, self.gain)):
            if isinstance(at, Term) and not gain:
                continue
            weight = along.crop(weight, at) if isinstance(along, Kernel) else take(weight, along, dim, at)
        return weight

    def mix(self, weight: Tensor, at: Mixed) -> Tensor:
        """`W ⊙ M`, of the part that is left at a vertex. A kernel whose size is known (a sampled dimension) is
        cropped.
        """
        weight = self.trim(weight, at)
        mixed = weight.flatten(-2) if isinstance(self.axes[-1], Kernel) else weight
        for mask in self._masks(mixed, at):
            mixed = mixed * mask
        mixed = mixed.reshape(weight.shape)
        last = self.axes[-1]
        if isinstance(last, Kernel) and last.positions and all(p in at.fixed for p in last.positions):
            return last.crop(mixed, at)
        return mixed

    def trim(self, weight: Tensor, at: Mixed) -> Tensor:
        """The weight without what tensors at a vertex have no more."""
        for dim, along in enumerate(self.axes):
            if isinstance(along, Axis) and at.cuts(along):
                weight = take(weight, along, dim, at)
        return weight

    @unrounded
    def _masks(self, weight: Tensor, at: Mixed) -> list[Tensor]:
        """Factors whose product is `M`, each to be broadcast against the weight."""
        blocks = [block.masks(at) for block in self.blocks if isinstance(block, Block)]
        if len(blocks) == 1:
            return blocks[0]
        if not any(blocks):
            return []
        dense = [_dense(weight, block, masks, at) for block, masks in zip(self.blocks, blocks)]
        for dim in reversed(range(len(self.counts))):
            n = self.counts[dim]
            dense = [torch.cat(dense[i : i + n], dim) for i in range(0, len(dense), n)]
        return dense


class Block(nn.Module):
    """One segment of every axis of a weight: the mask of that sub-block, as a product over components."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        super().__init__()
        self.segments = tuple(segments)
        self.components = nn.ModuleList(
            Component([(a, segments[a]) for a in group], len(segments)) for group in _connected(segments)
        )

    def masks(self, at: Mixed) -> list[Tensor]:
        return [component.mask(at) for component in self.components if isinstance(component, Component)]

    def shape(self, at: Mixed) -> list[int]:
        """The sizes of the sub-block."""
        return [segment.stored(at) for segment in self.segments]


class Component(nn.Module):
    """Axes of a block that are tied by shared positions: `Σ_s p_s Π_a G_a[s, i_a]`."""

    def __init__(self, axes: list[tuple[int, Segment]], rank: int) -> None:
        super().__init__()
        uses = [p for _, segment in axes for p in segment.positions]
        self.shared = ordered(p for p in uses if uses.count(p) > 1)
        self.private = [tuple(p for p in s.positions if p not in self.shared) for _, s in axes]
        self.rank = rank
        self.axes = axes
        for (index, segment), private in zip(axes, self.private):
            self.register_buffer(f"table{index}", segment.table(self.shared, private), persistent=False)

    def mask(self, at: Mixed) -> Tensor:
        """The component's mask, with size one along the axes that it does not touch."""
        view, factors = [1] * self.rank, []
        for (index, segment), private in zip(self.axes, self.private):
            factors.append(self._factor(f"table{index}", segment, private, at))
            view[index] = factors[-1].shape[-1]
        if not self.shared:
            return factors[0].view(view)
        *front, last = factors
        product = at.joint(self.shared).to(last.dtype).unsqueeze(1)
        for factor in front:
            product = (product.unsqueeze(2) * factor.unsqueeze(1)).flatten(1)
        return (product.t() @ last).view(view)

    def _factor(self, name: str, segment: Segment, private: tuple[Position, ...], at: Mixed) -> Tensor:
        """`G[s, i] = Σ_q p_q F[s, q, i]`."""
        table = self.get_buffer(name)[..., : segment.stored(at)]
        return at.joint(private).to(table.dtype) @ table if private else table.squeeze(1)


def _segments(along: Axis | Kernel, gain: bool) -> list[Segment]:
    if isinstance(along, Kernel):
        kernel = along.extent if gain else extent(along.side)
        return [Segment(kernel, along.size, centred=True, real=kernel)]
    return [
        Segment(s if gain else extent(n), n, centred=False, real=s)
        for s, n in zip(along.segments, along.sizes)
    ]


def _connected(segments: Sequence[Segment]) -> list[list[int]]:
    """The axes with an elastic segment, grouped: axes that share a position, directly or through others, are
    together.
    """
    groups: list[list[int]] = []
    for index, segment in enumerate(segments):
        if not segment.positions:
            continue
        touched = [g for g in groups if any(set(segments[a].positions) & set(segment.positions) for a in g)]
        groups = [g for g in groups if g not in touched] + [sorted(sum(touched, [index]))]
    return groups


def _dense(weight: Tensor, block: nn.Module, masks: list[Tensor], at: Mixed) -> Tensor:
    assert isinstance(block, Block)
    mask = weight.new_ones(block.shape(at))
    for factor in masks:
        mask = mask * factor
    return mask


def _joint(positions: Sequence[Position]) -> int:
    return math.prod(len(position.choices) for position in positions)
