"""The defining sum of a mixture (rule 2), written once and as plainly as possible.

    An operation that owns a weight, or reduces over an axis that varies, sums over the joint choices of the
    positions that its axes depend on: the product of the probabilities, times the operation done with the
    leading part of its inputs and weights, zero padded to the largest size.

Nothing here comes from the runtime: its own slicing and padding, `torch.nn.functional`, and loops. A joint
choice `j` maps a position (any key) to the number of its choice. A layout is what an axis looks like: for
every segment its largest size, and its width at a joint choice. `None` as a layout: an axis that does not
vary (or that has no gain).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

Joint = Mapping[Hashable, int]
Layout = list[tuple[int, Callable[[Joint], int]]] | None
Marginals = Mapping[Hashable, Tensor]


def mixture(marginals: Marginals, operation: Callable[[Joint], Tensor]) -> Tensor:
    """`Σ_j (Π_positions p) · operation(j)` over all joint choices."""
    total: Tensor | float = 0.0
    for numbers in product(*(range(len(p)) for p in marginals.values())):
        joint = dict(zip(marginals, numbers))
        probability = torch.ones(())
        for position, number in joint.items():
            probability = probability * marginals[position][number]
        total = total + probability * operation(joint)
    assert isinstance(total, Tensor)
    return total


def leading(x: Tensor, dim: int, layout: Layout, j: Joint) -> Tensor:
    """The leading part of every segment."""
    if layout is None:
        return x
    pieces = x.split_with_sizes([largest for largest, _ in layout], dim)
    return torch.cat([piece.narrow(dim, 0, width(j)) for piece, (_, width) in zip(pieces, layout)], dim)


def padded(y: Tensor, dim: int, layout: Layout, j: Joint) -> Tensor:
    """Every segment filled up with zeros."""
    if layout is None:
        return y
    result = []
    for piece, (largest, width) in zip(y.split_with_sizes([width(j) for _, width in layout], dim), layout):
        shape = list(y.shape)
        shape[dim] = largest - width(j)
        result += [piece, y.new_zeros(shape)]
    return torch.cat(result, dim)


def centred(weight: Tensor, size: int) -> Tensor:
    """The centred square of the last two axes."""
    start = (weight.shape[-1] - size) // 2
    return weight[..., start : start + size, start : start + size]


def transformed(matrices: Mapping[int, Tensor]) -> Callable[[Tensor, int], Tensor]:
    """Once-for-all's kernels: from one size to the next smaller one, the centred part times that size's matrix."""

    def read(weight: Tensor, size: int) -> Tensor:
        for smaller in sorted(matrices, reverse=True):
            if smaller >= size:
                part = centred(weight, smaller)
                weight = torch.einsum("...j,ij->...i", part.flatten(-2), matrices[smaller]).view(part.shape)
        return weight

    return read


def rows(weight: Tensor, layout: Layout, j: Joint) -> Tensor:
    """The leading output channels."""
    return leading(weight, 0, layout, j)


def averaged_rows(weight: Tensor, layout: Layout, j: Joint) -> Tensor:
    """Output channels as averages of neighbours (Yu et al. 2020), segment by segment."""
    if layout is None:
        return weight
    result = []
    for piece, (n, width) in zip(weight.split_with_sizes([largest for largest, _ in layout]), layout):
        c = width(j)
        result += [piece[i * n // c : -(-(i + 1) * n // c)].mean(0) for i in range(c)]
    return torch.stack(result)


def linear(p: Marginals, x: Tensor, weight: Tensor, bias: Tensor | None, inp: Layout, out: Layout) -> Tensor:
    def operation(j: Joint) -> Tensor:
        w = leading(leading(weight, 0, out, j), 1, inp, j)
        b = None if bias is None else leading(bias, 0, out, j)
        return padded(F.linear(leading(x, -1, inp, j), w, b), -1, out, j)

    return mixture(p, operation)


def conv(
    p: Marginals,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    inp: Layout,
    out: Layout,
    kernel: Callable[[Joint], int],
    groups: Callable[[Joint], int] | None = None,
    stride: int = 1,
    read: Callable[[Tensor, int], Tensor] = centred,
    select: Callable[[Tensor, Layout, Joint], Tensor] = rows,
) -> Tensor:
    """A convolution with "same" padding. In `g` groups, weights have `1/g` of the input channels.

    `read` makes kernels of a size from the largest ones, `select` takes the output channels of a joint choice.
    """

    def operation(j: Joint) -> Tensor:
        part = leading(x, 1, inp, j)
        w = select(weight, out, j)
        g = 1 if groups is None else groups(j)
        w = leading(w, 1, inp, j) if groups is None else w[:, : part.shape[1] // g]
        b = None if bias is None else select(bias, out, j)
        k = kernel(j)
        y = F.conv2d(part, read(w, k), b, stride=stride, padding=k // 2, groups=g)
        return padded(y, 1, out, j)

    return mixture(p, operation)


def depthwise(
    p: Marginals,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    channels: Layout,
    kernel: Callable[[Joint], int],
    read: Callable[[Tensor, int], Tensor] = centred,
) -> Tensor:
    def operation(j: Joint) -> Tensor:
        w = read(leading(weight, 0, channels, j), kernel(j))
        b = None if bias is None else leading(bias, 0, channels, j)
        y = F.conv2d(leading(x, 1, channels, j), w, b, padding=kernel(j) // 2, groups=w.shape[0])
        return padded(y, 1, channels, j)

    return mixture(p, operation)


def norm(
    p: Marginals,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    layout: Layout,
    dim: int,
    function: Callable[[Joint, Tensor, Tensor | None, Tensor | None], Tensor],
) -> Tensor:
    """Any norm: `function(j, x, weight, bias)` of the parts, in which layer, RMS, group and batch norm
    differ.
    """

    def operation(j: Joint) -> Tensor:
        w = None if weight is None else leading(weight, 0, layout, j)
        b = None if bias is None else leading(bias, 0, layout, j)
        return padded(function(j, leading(x, dim, layout, j), w, b), dim, layout, j)

    return mixture(p, operation)


def table(p: Marginals, rows: Tensor, layout: Layout) -> Tensor:
    """Rows of an embedding, positions or tokens: the operation is the table itself."""
    return mixture(p, lambda j: padded(leading(rows, -1, layout, j), -1, layout, j))


def keeping_shape(
    p: Marginals, x: Tensor, layout: Layout, dim: int, function: Callable[[Tensor], Tensor]
) -> Tensor:
    """A function of the whole axis that keeps its shape, as softmax."""
    return mixture(p, lambda j: padded(function(leading(x, dim, layout, j)), dim, layout, j))


def attention(
    p: Marginals,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    heads: Callable[[Joint], int],
    kv_heads: Callable[[Joint], int],
    head_dim: Callable[[Joint], int],
    causal: bool,
) -> Tensor:
    """Attention whose heads vary in number and width, one head after the other."""

    def operation(j: Joint) -> Tensor:
        d, outputs = head_dim(j), []
        for head in range(heads(j)):
            source = head // (heads(j) // kv_heads(j))
            query = q[..., head * d : (head + 1) * d]
            key, value = (t[..., source * d : (source + 1) * d] for t in (k, v))
            logits = query @ key.transpose(1, 2) / d**0.5
            if causal:
                logits = logits + torch.full_like(logits, float("-inf")).triu(1)
            outputs.append(logits.softmax(-1) @ value)
        y = torch.cat(outputs, -1)
        return torch.cat((y, y.new_zeros(*y.shape[:-1], q.shape[-1] - y.shape[-1])), -1)

    return mixture(p, operation)


def choose(p: Tensor, arms: list[tuple[list[int], Callable[[Tensor], Tensor]]]) -> Tensor:
    """Rule 4: `Σ_arm p_arm · arm(x)`, an entangled group being one arm of probability `p_G = Σ p_arm`.

    Every arm is given the probabilities inside it: one-hot for a single one, `p_arm / p_G` for a group, uniform
    where `p_G` is 0.
    """
    total: Tensor | float = 0.0
    for members, arm in arms:
        weight = torch.stack([p[i] for i in members]).sum()
        inside = torch.zeros_like(p)
        for i in members:
            inside[i] = p[i].detach() / weight.detach() if weight > 1e-30 else 1 / len(members)
        if len(members) > 1 and weight > 1e-30:
            inside = torch.stack([p[i] / weight if i in members else p[i] * 0 for i in range(len(p))])
        total = total + weight * arm(inside)
    assert isinstance(total, Tensor)
    return total


def channel_shuffle(p: Marginals, x: Tensor, inp: Layout, out: Layout, groups: int) -> Tensor:
    """Channel `i` of every group, for i = 0, 1, …"""

    def operation(j: Joint) -> Tensor:
        part = leading(x, 1, inp, j)
        size = part.shape[1] // groups
        order = [group * size + i for i in range(size) for group in range(groups)]
        return padded(part[:, order], 1, out, j)

    return mixture(p, operation)
