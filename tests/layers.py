"""Random entangled layers, each with the oracle's formula for it: what the property tests draw from.

All axes are built from one small pool of dimensions, so that they often share some.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import Tensor, nn

from tanglert import Axis, Dim, Extent, Space, maximum
from tanglert.dim import axis
from tanglert.extent import Position as Place
from tanglert.nn import (
    Attend,
    BatchNorm,
    ChannelShuffle,
    Conv,
    Depthwise,
    Embedding,
    GroupNorm,
    LayerNorm,
    Linear,
    Position,
    RMSNorm,
    Softmax,
    Token,
)
from tests import oracle

A = Dim("a", [3, 1, 2])  # not in order of size: entanglement goes by size
B = Dim("b", [1, 4])
C = Dim("c", [2, 3], per="layer", positions=2)
K = Dim("k", [3, 1, 5])
POOL: list[Extent] = [A, B, C[0], C[1], A * B, A + C[0], maximum(A, C[1]) * 2, A * 2]
SPACE = Space("pool", dims=[A, B, C, K], inputs=[], output=("vector", (1,)))

Formula = Callable[[oracle.Marginals, tuple[Tensor, ...], dict[str, Tensor]], Tensor]


@dataclass
class Case:
    """A layer, how to make its inputs, and its defining sum of marginals, inputs and parameters."""

    name: str
    layer: nn.Module
    inputs: Callable[[], tuple[Tensor, ...]]
    formula: Formula
    positions: tuple[Place, ...]
    reads: tuple[tuple[Axis, int], ...]
    writes: tuple[Axis, int] | None

    def __repr__(self) -> str:
        return f"{self.name} of {[f'{p.dim}{p.index}' for p in self.positions]}"


def layout(along: Axis, gain: bool = True) -> oracle.Layout:
    """The axis as the oracle wants it."""
    if not gain:
        return None
    return [(n, lambda j, s=s: int(s.at(j))) for n, s in zip(along.sizes, along.segments)]


def places(*uses: Axis | Extent) -> tuple[Place, ...]:
    """Each position once."""
    return tuple(dict.fromkeys(p for use in uses for p in use.positions))


extents = st.one_of(st.sampled_from(POOL), st.integers(1, 3))
axes = st.lists(extents, min_size=1, max_size=2).map(lambda parts: Axis(*parts))
lowerings = st.sampled_from(["mask", "scale", "loop"])


@st.composite
def linears(draw: st.DrawFn) -> Case:
    inp, out, gain, bias = draw(axes), draw(axes), draw(st.booleans()), draw(st.booleans())
    layer = Linear(inp, out, bias=bias, gain=gain, lowering=draw(lowerings))

    def formula(p: oracle.Marginals, x: tuple[Tensor, ...], w: dict[str, Tensor]) -> Tensor:
        return oracle.linear(p, x[0], w["weight"], w.get("bias"), layout(inp), layout(out, gain))

    positions = places(inp, out) if gain else places(inp)
    return Case(
        "linear",
        layer,
        lambda: (torch.randn(2, 3, inp.size),),
        formula,
        positions,
        ((inp, -1),),
        (out, -1) if gain else None,
    )


@st.composite
def convs(draw: st.DrawFn) -> Case:
    kernel = draw(st.sampled_from([K, 3]))
    size = axis(kernel).segments[0]
    gain, stride = draw(st.booleans()), draw(st.integers(1, 2))
    groups: Extent | int
    if draw(st.booleans()):
        inp, out, groups = draw(axes), draw(axes), 1
    else:  # two groups of elastic size, or an elastic number of groups of a fixed size
        count = draw(st.sampled_from([A, B, C[0]]))
        fixed_size = draw(st.booleans())
        inp, out, groups = Axis(count * 2), Axis(count * 2), count if fixed_size else 2
    layer = Conv(inp, out, kernel, stride, groups=groups, gain=gain or groups != 1, lowering=draw(lowerings))
    gain = gain or groups != 1
    number = axis(groups).segments[0]

    def formula(p: oracle.Marginals, x: tuple[Tensor, ...], w: dict[str, Tensor]) -> Tensor:
        return oracle.conv(
            p,
            x[0],
            w["weight"],
            w["bias"],
            layout(inp),
            layout(out, gain),
            lambda j: int(size.at(j)),
            None if groups == 1 else lambda j: int(number.at(j)),
            stride,
        )

    positions = places(inp, size, out) if gain else places(inp, size)
    return Case(
        "conv",
        layer,
        lambda: (torch.randn(2, inp.size, 5, 4),),
        formula,
        positions,
        ((inp, 1),),
        (out, 1) if gain else None,
    )


@st.composite
def depthwises(draw: st.DrawFn) -> Case:
    channels, gain, kernel = draw(axes), draw(st.booleans()), draw(st.sampled_from([K, 3]))
    size = axis(kernel).segments[0]
    layer = Depthwise(channels, kernel, gain=gain, lowering=draw(lowerings))

    def formula(p: oracle.Marginals, x: tuple[Tensor, ...], w: dict[str, Tensor]) -> Tensor:
        return oracle.depthwise(
            p, x[0], w["weight"], w["bias"], layout(channels, gain), lambda j: int(size.at(j))
        )

    return Case(
        "depthwise",
        layer,
        lambda: (torch.randn(2, channels.size, 5, 4),),
        formula,
        places(channels, size) if gain else places(size),
        ((channels, 1),),
        (channels, 1) if gain else None,
    )


def _norm_case(
    name: str,
    layer: nn.Module,
    along: Axis,
    dim: int,
    function: Callable[..., Tensor],
    positions: tuple[Place, ...],
) -> Case:
    def formula(p: oracle.Marginals, x: tuple[Tensor, ...], w: dict[str, Tensor]) -> Tensor:
        return oracle.norm(p, x[0], w.get("weight"), w.get("bias"), layout(along), dim, function)

    def inputs() -> tuple[Tensor, ...]:
        return (3 + torch.randn((3, 4, along.size) if dim == -1 else (3, along.size, 2, 2)),)

    return Case(name, layer, inputs, formula, positions, ((along, dim),), (along, dim))


def _over_last(dim: int, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda x: function(x.movedim(dim, -1)).movedim(-1, dim)


@st.composite
def norms(draw: st.DrawFn) -> Case:
    along, dim, kind = draw(axes), draw(st.sampled_from([-1, 1])), draw(st.sampled_from(["layer", "rms"]))
    lowering = draw(st.sampled_from(["moments", "loop"]))
    if kind == "layer":
        layer: nn.Module = LayerNorm(along, bias=draw(st.booleans()), dim=dim, lowering=lowering)
    else:
        layer = RMSNorm(along, dim=dim, lowering=lowering)

    def function(j: oracle.Joint, x: Tensor, w: Tensor, b: Tensor | None) -> Tensor:
        size = (x.shape[dim],)
        if kind == "layer":
            return _over_last(dim, lambda y: F.layer_norm(y, size, w, b))(x)
        return _over_last(dim, lambda y: F.rms_norm(y, size, w))(x)

    return _norm_case(f"{kind} norm", layer, along, dim, function, places(along))


@st.composite
def group_norms(draw: st.DrawFn) -> Case:
    count = draw(st.sampled_from([A, B, C[0]]))
    along, kind = Axis(count * 2), draw(st.sampled_from(["size", "groups", "elastic groups"]))
    groups = {"size": None, "groups": 2, "elastic groups": count}[kind]
    layer = GroupNorm(along, groups, 2 if kind == "size" else None, lowering=draw(lowerings))

    def function(j: oracle.Joint, x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        return F.group_norm(x, 2 if kind == "groups" else x.shape[1] // 2, w, b)

    return _norm_case("group norm", layer, along, 1, function, places(along))


@st.composite
def batch_norms(draw: st.DrawFn) -> Case:
    along, affine, dim = draw(axes), draw(st.booleans()), draw(st.sampled_from([-1, 1]))
    layer = BatchNorm(along, dim=dim, affine=affine, lowering=draw(lowerings))

    def function(j: oracle.Joint, x: Tensor, w: Tensor | None, b: Tensor | None) -> Tensor:
        y = F.batch_norm(x.movedim(dim, 1), None, None, w, b, training=True)
        return y.movedim(1, dim)

    return _norm_case("batch norm", layer, along, dim, function, places(along))


@st.composite
def tables(draw: st.DrawFn) -> Case:
    along, lowering = draw(axes), draw(lowerings)
    kind = draw(st.sampled_from([Embedding, Position, Token]))
    layer = Token(along, lowering) if kind is Token else kind(4, along, lowering)

    def inputs() -> tuple[Tensor, ...]:
        return (torch.randint(4, (2, 3)) if kind is Embedding else torch.randn(2, 3, along.size),)

    def formula(p: oracle.Marginals, x: tuple[Tensor, ...], w: dict[str, Tensor]) -> Tensor:
        if kind is Embedding:
            return oracle.table(p, w["weight"][x[0]], layout(along))
        rows = oracle.table(p, w["weight"], layout(along))
        return rows[:, :3] if kind is Position else torch.cat((rows.expand(2, -1, -1), x[0]), 1)

    reads = () if kind is Embedding else ((along, -1),)
    return Case(kind.__name__, layer, inputs, formula, places(along), reads, (along, -1))


@st.composite
def attends(draw: st.DrawFn) -> Case:
    """Attention whose head dimension, or ratio of query heads to key heads, varies: once per joint choice."""
    heads, kv_heads, head_dim = draw(
        st.sampled_from(
            [(C[0], C[0], A), (C[0] * A, C[0], 2 * B), (A * B, A, 2), (6 / A, 6 / A, A), (B, 1, A)]
        )
    )
    causal = draw(st.booleans())
    layer = Attend(heads, head_dim, causal=causal, kv_heads=kv_heads)
    head, kv, d = (axis(e).segments[0] for e in (heads, kv_heads, head_dim))

    def inputs() -> tuple[Tensor, ...]:
        return tuple(torch.randn(2, 3, Axis(n * d).size) for n in (head, kv, kv))

    def formula(p: oracle.Marginals, x: tuple[Tensor, ...], w: dict[str, Tensor]) -> Tensor:
        sizes = [lambda j, e=e: int(e.at(j)) for e in (head, kv, d)]
        return oracle.attention(p, *x, sizes[0], sizes[1], sizes[2], causal=causal)

    reads = tuple((Axis(n * d), -1) for n in (head, kv, kv))
    return Case("attend", layer, inputs, formula, places(head, kv, d), reads, (Axis(head * d), -1))


@st.composite
def softmaxes(draw: st.DrawFn) -> Case:
    along = draw(axes)

    def formula(p: oracle.Marginals, x: tuple[Tensor, ...], w: dict[str, Tensor]) -> Tensor:
        return oracle.keeping_shape(p, x[0], layout(along), -1, lambda y: y.softmax(-1))

    return Case(
        "softmax",
        Softmax(along),
        lambda: (torch.randn(2, along.size),),
        formula,
        places(along),
        ((along, -1),),
        (along, -1),
    )


@st.composite
def shuffles(draw: st.DrawFn) -> Case:
    """Each width in two or three groups, one segment or two."""
    groups = draw(st.integers(2, 3))
    along = Axis(
        *(axis(part).segments[0] * groups for part in draw(st.lists(extents, min_size=1, max_size=2)))
    )
    layer = ChannelShuffle(along, groups)

    def formula(p: oracle.Marginals, x: tuple[Tensor, ...], w: dict[str, Tensor]) -> Tensor:
        return oracle.channel_shuffle(p, x[0], layout(along), layout(layer.writes), groups)

    inputs = lambda: (torch.randn(2, along.size, 2, 1),)  # noqa: E731
    return Case("shuffle", layer, inputs, formula, places(along), ((along, 1),), (layer.writes, 1))


def _reader(w: dict[str, Tensor]) -> Callable[[Tensor, int], Tensor]:
    """How the oracle reads the kernels of a layer with transform matrices among its parameters."""
    sizes = {name.split(".")[-1]: m for name, m in w.items() if ".matrices." in name}
    return oracle.transformed({int(size): m for size, m in sizes.items()})


@st.composite
def transformed_convs(draw: st.DrawFn) -> Case:
    """Once-for-all's kernel transform, also where the kernel depends on what the channels depend on."""
    kernel = draw(st.sampled_from([K, K, A * 2 - 1, 3]))
    size = axis(kernel).segments[0]
    inp, out, gain, deep = draw(axes), draw(axes), draw(st.booleans()), draw(st.booleans())
    lowering = draw(lowerings)
    if deep:
        layer: nn.Module = Depthwise(inp, kernel, transform=True, gain=gain, lowering=lowering)
        out = inp
    else:
        layer = Conv(inp, out, kernel, transform=True, gain=gain, lowering=lowering)

    def formula(p: oracle.Marginals, x: tuple[Tensor, ...], w: dict[str, Tensor]) -> Tensor:
        side, read = (lambda j: int(size.at(j))), _reader(w)
        if deep:
            return oracle.depthwise(p, x[0], w["weight"], w["bias"], layout(out, gain), side, read)
        return oracle.conv(p, x[0], w["weight"], w["bias"], layout(inp), layout(out, gain), side, read=read)

    wide = () if deep else (inp,)
    positions = places(*wide, size, out) if gain else places(*wide, size)
    inputs = lambda: (torch.randn(2, inp.size, 5, 4),)  # noqa: E731
    return Case("conv", layer, inputs, formula, positions, ((inp, 1),), (out, 1) if gain else None)


@st.composite
def interpolated_convs(draw: st.DrawFn) -> Case:
    """Output channels that are averages of the largest's, with plain or transformed kernels."""
    inp, out, kernel, transform = draw(axes), draw(axes), draw(st.sampled_from([K, 3])), draw(st.booleans())
    size = axis(kernel).segments[0]
    layer = Conv(inp, out, kernel, transform=transform, channels="interpolate")

    def formula(p: oracle.Marginals, x: tuple[Tensor, ...], w: dict[str, Tensor]) -> Tensor:
        read = _reader(w) if transform else oracle.centred
        sides, side = (layout(inp), layout(out)), (lambda j: int(size.at(j)))
        return oracle.conv(
            p, x[0], w["weight"], w["bias"], *sides, side, read=read, select=oracle.averaged_rows
        )

    inputs = lambda: (torch.randn(2, inp.size, 5, 4),)  # noqa: E731
    return Case("conv", layer, inputs, formula, places(inp, size, out), ((inp, 1),), (out, 1))


KINDS = {
    "linear": linears(),
    "conv": convs(),
    "depthwise": depthwises(),
    "transformed kernels": transformed_convs(),
    "interpolated channels": interpolated_convs(),
    "layer and RMS norm": norms(),
    "group norm": group_norms(),
    "batch norm": batch_norms(),
    "table": tables(),
    "attend": attends(),
    "softmax": softmaxes(),
    "channel shuffle": shuffles(),
}
