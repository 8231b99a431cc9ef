"""Types of tensors: the kind, the layout of the feature axis, and the sizes of space or tokens."""

from __future__ import annotations

import math
from dataclasses import field

from tanglec.ir import extents as ex
from tanglec.ir.extents import Extent, Position
from tanglec.record import record


@record()
class Axis:
    """An elastic axis: segments in order, each as wide as its extent says and stored as wide as it can get."""

    segments: tuple[Extent, ...]

    @property
    def width(self) -> Extent:
        return ex.total(self.segments)

    @property
    def size(self) -> int:
        """The stored size: every segment at its largest."""
        return sum(int(ex.largest(s)) for s in self.segments)

    @property
    def positions(self) -> tuple[Position, ...]:
        return ex.union(*self.segments)

    def __str__(self) -> str:
        return " ++ ".join(ex.show(s) for s in self.segments)


def axis(*widths: Extent) -> Axis:
    """An axis of the given segments; neighbours of constant width are one segment.

    Raises `ExpressionTooLarge` where it would have more segments than anything can add up.
    """
    segments: list[Extent] = []
    for width in widths:
        if segments and width.is_constant and segments[-1].is_constant:
            segments[-1] = ex.apply("+", segments[-1], width)
        else:
            segments.append(width)
    if len(segments) > ex.DEEPEST:
        raise ex.ExpressionTooLarge(f"a layout of {len(segments):,} segments")
    return Axis(tuple(segments))


@record()
class Grid:
    """Where tokens come from: a grid of `height` x `width` patches behind `prefix` prepended tokens."""

    height: int
    width: int
    prefix: int = 0


# How many sizes each kind has beside its features.
KINDS = {"pixels": 2, "tokens": 1, "vector": 0, "ids": 1, "heads": 1}


@record()
class TensorType:
    """`pixels(C, H, W)`, `tokens(L, D)`, `vector(D)`, `ids(vocab, L)`, or `heads(H, L, D)`, D being one head's width.

    `features` is the channel axis (for `ids` the vocabulary); `sizes` are (H, W), (L,) or nothing. `padding` says what the
    mixture's tensor holds behind the width of the chosen architecture: "zero" or "anything" (rule 6).
    """

    kind: str
    features: Axis
    sizes: tuple[Extent, ...] = ()
    grid: Grid | None = None
    heads: Extent | None = None
    padding: str = field(default="zero", compare=False)

    @property
    def positions(self) -> tuple[Position, ...]:
        heads = () if self.heads is None else (self.heads,)
        return ex.union(*self.features.segments, *self.sizes, *heads)

    @property
    def varies(self) -> bool:
        """Whether it depends on any position."""
        varying = any(e.positions for e in (*self.features.segments, *self.sizes))
        return varying or self.heads is not None and bool(self.heads.positions)

    @property
    def places(self) -> int:
        """Tokens, or pixels, of every head: how many vectors of features one sample has at its largest."""
        sizes = (*self.sizes, *(() if self.heads is None else (self.heads,)))
        return math.prod(int(ex.largest(size)) for size in sizes)

    def beside(self, other: TensorType) -> list[tuple[Extent, Extent]] | None:
        """The sizes of two types side by side; None where they differ in more than sizes."""
        mine, others = self.features.segments, other.features.segments
        if self.kind != other.kind or self.grid != other.grid or len(mine) != len(others):
            return None
        heads = [] if self.heads is None or other.heads is None else [(self.heads, other.heads)]
        return [*zip(mine, others, strict=True), *zip(self.sizes, other.sizes, strict=True), *heads]

    def elements(self) -> Extent:
        """Numbers in one sample."""
        width = ex.const(1) if self.kind == "ids" else self.features.width
        return ex.product_of([width, *self.sizes, *(() if self.heads is None else (self.heads,))])

    def __str__(self) -> str:
        sizes = [ex.show(s) for s in self.sizes]
        if self.kind == "ids":
            return f"ids({self.features}, {sizes[0]})"
        heads = [] if self.heads is None else [ex.show(self.heads)]
        parts = (
            [str(self.features), *sizes] if self.kind == "pixels" else [*heads, *sizes, str(self.features)]
        )
        return f"{self.kind}({', '.join(parts)})"
