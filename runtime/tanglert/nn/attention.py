"""Attention between tokens, over elastic heads."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tanglert.choices import Choices, Mixed, Term
from tanglert.dim import Axis
from tanglert.extent import Extent, extent, ordered
from tanglert.nn.relative import relative_attention, relative_rows
from tanglert.nn.superpose import pad, sum_over, take


class Attend(nn.Module):
    """Scaled dot-product attention of q (B, L, heads·head_dim), k (B, L, kv_heads·head_dim) and v (B, L,
    kv_heads·v_dim).

    With a head dimension that is fixed, and a fixed number of query heads for every key and value head, heads
    nest, and all are computed once on the padded tensors, without a gain. Otherwise attention is evaluated
    once per joint choice of heads and head dimensions and summed. `scale` defaults to head_dim^-1/2.

    `relative_position=r` adds AutoFormer's two-dimensional relative positions (Chen et al. 2021; Wu et al.
    2021) to keys and values: vertical and horizontal distance on the token `grid` (H, W), clipped to ±r, row
    0 of the tables for the `prefix` tokens before the grid. ValueError if the head dimension varies, or there
    is no grid.
    """

    rel_k_v: nn.Parameter
    rel_k_h: nn.Parameter
    rel_v_v: nn.Parameter
    rel_v_h: nn.Parameter
    vertical: Tensor
    horizontal: Tensor

    __call__: Callable[..., Tensor]

    def __init__(
        self,
        heads: Extent | int,
        head_dim: Extent | int,
        causal: bool = False,
        kv_heads: Extent | int | None = None,
        relative_position: int | None = None,
        grid: tuple[int, int] | None = None,
        prefix: int = 0,
        scale: float | None = None,
        v_dim: Extent | int | None = None,
    ) -> None:
        super().__init__()
        self.heads, self.head_dim = extent(heads), extent(head_dim)
        self.kv_heads = self.heads if kv_heads is None else extent(kv_heads)
        self.v_dim = self.head_dim if v_dim is None else extent(v_dim)
        self.causal, self.scale = causal, scale
        self.queries = Axis(self.heads * self.head_dim)
        self.keys, self.values = Axis(self.kv_heads * self.head_dim), Axis(self.kv_heads * self.v_dim)
        self.writes = Axis(self.heads * self.v_dim)
        sizes = (self.head_dim, self.v_dim, self.heads / self.kv_heads)
        self.once = not any(size.positions for size in sizes)
        self.group = ordered(p for e in (self.heads, self.kv_heads, *sizes) for p in e.positions)
        self.relative = relative_position is not None
        if relative_position is not None:
            if not self.once or grid is None:
                raise ValueError("relative positions need a fixed head dimension and the grid of the tokens")
            self._tables(relative_position, grid, prefix)

    def _tables(self, r: int, grid: tuple[int, int], prefix: int) -> None:
        """The four tables (2r + 2, dim) for keys and values, vertical and horizontal, and the rows that they
        are read at.
        """
        for name, size in (("k", self.head_dim.largest), ("v", self.v_dim.largest)):
            for direction in ("v", "h"):
                table = nn.Parameter(torch.empty(2 * r + 2, size))
                nn.init.trunc_normal_(table, std=0.02)
                self.register_parameter(f"rel_{name}_{direction}", table)
        vertical, horizontal = relative_rows(r, grid, prefix)
        self.register_buffer("vertical", vertical, persistent=False)
        self.register_buffer("horizontal", horizontal, persistent=False)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, at: Choices) -> Tensor:
        """The attended values, (B, L, heads·v_dim)."""
        if isinstance(at, Mixed) and not self.once:
            return sum_over(self.group, at, lambda j: self._term(q, k, v, j))
        return self._attend(q, k, v, at)

    def _term(self, q: Tensor, k: Tensor, v: Tensor, j: Term) -> Tensor:
        q, k, v = take(q, self.queries, -1, j), take(k, self.keys, -1, j), take(v, self.values, -1, j)
        return pad(self._attend(q, k, v, j), self.writes, -1, j)

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, at: Choices) -> Tensor:
        head_dim, v_dim = at.size(self.head_dim), at.size(self.v_dim)
        q, k, v = _split(q, head_dim), _split(k, head_dim), _split(v, v_dim)
        repeats = q.shape[1] // k.shape[1]
        if repeats > 1:
            k, v = k.repeat_interleave(repeats, 1), v.repeat_interleave(repeats, 1)
        if self.relative:
            scale = head_dim**-0.5 if self.scale is None else self.scale
            keys = self.rel_k_v[self.vertical] + self.rel_k_h[self.horizontal]
            values = self.rel_v_v[self.vertical] + self.rel_v_h[self.horizontal]
            y = relative_attention(q, k, v, keys, values, scale, self.causal)
        else:
            y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal, scale=self.scale)
        return y.transpose(1, 2).flatten(2)  # (B, L, heads·v_dim)


def _split(x: Tensor, head_dim: int) -> Tensor:
    """(B, L, heads·d) to (B, heads, L, d); what is split already stays."""
    return x if x.dim() == 4 else x.reshape(*x.shape[:-1], -1, head_dim).transpose(1, 2)
