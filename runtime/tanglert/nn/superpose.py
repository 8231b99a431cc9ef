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

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tanglert.box import Span
from tanglert.choices import Choices, Mixed, Term
from tanglert.dim import Axis, axis
from tanglert.extent import Position, ordered
from tanglert.nn.mask import Kernel, Line, SubBlock, WeightAxis, connected, segments_of
from tanglert.nn.narrowed import Range, narrowed
from tanglert.nn.runs import many_calls_are_cheap
from tanglert.nn.unrounded import unrounded
from tanglert.nn.weighed import credited_along, credited_weight, product_of, scaled, weighed

LARGE = 2**17
"""From how many numbers on the rows of a weight that are masked alike are gone over together (measured on a CPU)."""
MOST_RUNS = 16


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


class Entanglement(nn.Module):
    """How the choices of one weight's axes overlap. Holds constant tables, no parameters.

    `gain[k]` False takes axis `k` out of the superposition. A `Kernel` comes last and stands for two axes of
    the weight. `separable`: no two axes share a position, so that `M` is a product of vectors. `scalable`: channels
    alone vary, so that activations can be scaled in place of the weight. `light`: what is superposed is made in two
    passes over the weight.
    """

    def __init__(self, *axes: WeightAxis, gain: Sequence[bool] | None = None) -> None:
        super().__init__()
        self.axes = tuple(a if isinstance(a, Kernel) else axis(a) for a in axes)
        self.gain = tuple(gain) if gain is not None else (True,) * len(axes)
        self.sizes = tuple(a.size for a in self.axes)
        layouts = [segments_of(a, g) for a, g in zip(self.axes, self.gain)]
        self.counts = tuple(len(layout) for layout in layouts)
        uses = [a.positions if g else () for a, g in zip(self.axes, self.gain)]
        self.positions = ordered(p for own in uses for p in own)
        # As a matrix its rows are its first axis, or all before the first one that varies.
        self.rows = max(1, next((k for k, own in enumerate(uses) if own), 1))
        self.separable = all(len(group) == 1 for group in connected(uses))
        self.light = self.separable and bool(self.positions)
        self.scalable = self.separable and not (isinstance(self.axes[-1], Kernel) and uses[-1])
        self.lines = {k: Line(layout) for k, layout in enumerate(layouts) if uses[k] and self.separable}
        self.blocks = [] if self.separable else [SubBlock(block) for block in product(*layouts)]
        # Held as modules, so that their tables move with the weight. They are found by the attributes above: every
        # step asks for all of them, and `nn.Module` is slow to answer.
        self.tables = nn.ModuleList([*self.lines.values(), *self.blocks])
        self.varying = sum(self.sizes[k] for k in self.lines)
        self.key = f"sides {[[s.key for s in layout] for layout in layouts]}"

    def block(self, weight: Tensor, at: Choices) -> Tensor:
        """The weight to compute with: sliced for an architecture, superposed for a mixture."""
        return self.mix(weight, at) if isinstance(at, Mixed) else self.slice(weight, at)

    def slice(self, weight: Tensor, at: Choices) -> Tensor:
        """The part that a choice reads; a view where no axis has several segments."""
        if at.leaves is not None and at.leaves.hold(weight):
            return at.leaves.read(weight, self.spans(at, weight.dim()))
        return self.cut(weight, at)

    def spans(self, at: Choices, rank: int) -> dict[int, list[Span]]:
        """What an architecture reads of the axes that vary, in a weight of so many axes, in the order that it reads."""
        spans: dict[int, list[Span]] = {}
        for dim, along in enumerate(self.axes):
            if isinstance(along, Kernel):
                spans |= {d: [(start, start + size)] for d, start, size in along.ranges(at, rank)}
            elif along.positions:
                starts = [sum(along.sizes[:k]) for k in range(len(along.sizes))]
                spans[dim] = [(start, start + at.size(s)) for start, s in zip(starts, along.segments)]
        return spans

    def cut(self, weight: Tensor, at: Choices) -> Tensor:
        """That part of a weight whose gradient is one of the whole weight, zero elsewhere."""
        ranges: list[Range] = []
        for dim, (along, gain) in enumerate(zip(self.axes, self.gain)):
            if isinstance(at, Term) and not gain or not along.positions:
                continue
            if isinstance(along, Kernel):
                ranges += along.ranges(at, weight.dim())
            elif len(along.segments) == 1:
                ranges.append((dim, 0, at.size(along.segments[0])))
            else:
                weight = take(weight, along, dim, at)
        return narrowed(weight, ranges)

    @unrounded
    def mix(self, weight: Tensor, at: Mixed) -> Tensor:
        """`W ⊙ M`, of the part that is left at a vertex. A kernel whose size is known (a sampled dimension) is
        cropped.
        """
        mixed = self.trim(weight, at)
        if self.positions:
            mixed = self._superposed(mixed, at)
        last = self.axes[-1]
        if isinstance(last, Kernel) and last.positions and all(p in at.fixed for p in last.positions):
            return last.crop(mixed, at)
        return mixed

    def trim(self, weight: Tensor, at: Mixed) -> Tensor:
        """The weight without what tensors at a vertex have no more."""
        if not at.cut:
            return weight
        for dim, along in enumerate(self.axes):
            if isinstance(along, Axis) and at.cuts(along):
                weight = take(weight, along, dim, at)
        return weight

    def scale(self, x: Tensor, axis: int, dim: int, at: Mixed) -> Tensor:
        """A tensor whose `dim` runs along an axis of a separable weight, times the mask of that axis."""
        line = self.lines.get(axis)
        if line is None:
            return x
        known = bool(at.cut) and at.cut.issuperset(line.positions)
        return (credited_along if known else scaled)(x, line.vector(at), dim)

    def scale_read(self, x: Tensor, dim: int, at: Mixed) -> Tensor:
        """What is read, scaled along the axis that reads it, the second one. Once for all that read it in a row."""
        line = self.lines.get(1)
        if line is None or torch.compiler.is_compiling():
            return self.scale(x, 1, dim, at)
        state = x._version, torch.is_grad_enabled(), line.key, dim
        if at.latest is None or at.latest[0] is not x or at.latest[1] != state:
            at.latest = x, state, self.scale(x, 1, dim, at)
        return at.latest[2]

    def _superposed(self, weight: Tensor, at: Mixed) -> Tensor:
        if weight.dim() == 1:
            return weight * self.lines[0].vector(at)
        if len(self.blocks) > 1:
            return weight * self._dense(weight, at).view(weight.shape)
        matrix, runs = self._matrix(weight), self._runs(weight, at)
        p, q = self._factors(weight, at, runs is not None)
        if at.cut.issuperset(self.positions):  # of all that is left the probability is one
            return credited_weight(matrix, p, q).view(weight.shape)
        return weighed(matrix, p, q, runs).view(weight.shape)

    def again(self, weight: Tensor, at: Mixed) -> Callable[[], Tensor]:
        """What makes `mix` of these once more, without a graph."""
        if not self.light or at.cut:
            return lambda: self.mix(weight, at)
        matrix, (p, q) = self._matrix(weight), self._factors(weight, at, False)
        return lambda: product_of(matrix, p, q).view(weight.shape)

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight if weight.dim() == 2 else weight.reshape(math.prod(weight.shape[: self.rows]), -1)

    def _factors(self, weight: Tensor, at: Mixed, short: bool) -> tuple[Tensor | None, Tensor | None]:
        """The two sides of the mask; once for all weights that are read alike."""
        key = self.key, weight.dtype, short
        return at.once(self.positions, key, lambda: self._sides(weight.shape, at, short))

    def _runs(self, weight: Tensor, at: Mixed) -> Sequence[int] | None:
        """How many rows of a large weight are masked alike, from the first to the last; None: each by itself."""
        if torch.compiler.is_compiling() or self.separable or at.cut:
            return None
        if weight.numel() < LARGE or not many_calls_are_cheap(weight):
            return None
        (block,) = self.blocks
        first = block.components[0]
        return first.runs if first.axes[0][0] == 0 and len(first.runs) <= MOST_RUNS else None

    def _sides(self, shape: Sequence[int], at: Mixed, short: bool) -> tuple[Tensor | None, Tensor | None]:
        """P (S, rows) and Q (S, columns) with `M = PᵀQ`; None for a side that does not vary. `short`: P (S, runs)."""
        p, q, rows, axes = None, None, self.rows, len(self.axes)
        for component in self._components(at, short):
            front = [factor for k, factor in component if k < rows]
            masks = [_along(factor, k - rows, axes - rows) for k, factor in component if k >= rows]
            if front:
                (p,) = front
            if masks:
                mask = math.prod(masks[1:], start=masks[0])
                mask = mask if front else mask.sum(0, keepdim=True)
                q = mask if q is None else q * mask
        if q is not None:
            sizes = [*shape[rows : axes - 1], math.prod(shape[axes - 1 :])]  # a kernel is one axis
            q = q.expand(-1, *sizes).flatten(1)
        return p, q

    def _components(self, at: Mixed, short: bool) -> list[list[tuple[int, Tensor]]]:
        """For axes that are tied together: `G_a[s, i]` of every axis a, (joint choices of what ties them, size)."""
        if self.separable:
            return [[(k, line.vector(at).unsqueeze(0))] for k, line in self.lines.items()]
        (block,) = self.blocks
        return [
            [(k, f) for (k, _), f in zip(c.axes, c.factors(at, short and c is block.components[0]))]
            for c in block.components
        ]

    def _dense(self, weight: Tensor, at: Mixed) -> Tensor:
        """`M` itself, put together from its blocks."""
        dense = [block.mask(at, weight) for block in self.blocks]
        for dim in reversed(range(len(self.counts))):
            n = self.counts[dim]
            dense = [torch.cat(dense[i : i + n], dim) for i in range(0, len(dense), n)]
        return dense[0]


def _along(factor: Tensor, axis: int, axes: int) -> Tensor:
    """(S, n) as (S, 1 … n … 1)."""
    return factor.view(len(factor), *(-1 if k == axis else 1 for k in range(axes)))
