"""Two-dimensional relative positions of vision transformers, as AutoFormer (Chen et al. 2021) has them."""

from __future__ import annotations

import torch
from torch import Tensor


def relative_rows(r: int, grid: tuple[int, int], prefix: int) -> tuple[Tensor, Tensor]:
    """The table rows (L, L) of the vertical and of the horizontal distance from query to key, L = prefix +
    H·W.

    Distances are clipped to ±r and shifted to 1 … 2r + 1; row 0 is for pairs with a prefix token.
    """
    height, width = grid
    tokens = torch.arange(height * width)
    return _rows(tokens // width, r, prefix), _rows(tokens % width, r, prefix)


def _rows(place: Tensor, r: int, prefix: int) -> Tensor:
    distance = (place.unsqueeze(0) - place.unsqueeze(1)).clamp(-r, r) + r + 1
    return torch.nn.functional.pad(distance, (prefix, 0, prefix, 0))


def relative_attention(
    q: Tensor, k: Tensor, v: Tensor, keys: Tensor, values: Tensor, scale: float, causal: bool
) -> Tensor:
    """`A = softmax((q·kᵀ + q·Rᵏ) · scale)`, `A·v + A·Rᵛ` for q, k, v (B, H, L, d) and R (L, L, d).

    The products with R are one matrix product for every query token over batch and heads together.
    ValueError if the number of tokens is not that of the tables.
    """
    batch, heads, length, _ = q.shape
    if length != keys.shape[0]:
        raise ValueError(f"{length} tokens, but relative positions for {keys.shape[0]} (prefix and grid)")
    by_token = q.permute(2, 0, 1, 3).flatten(1, 2)  # (L, B·H, d)
    relative = (by_token @ keys.transpose(1, 2)).transpose(0, 1).reshape(batch, heads, length, length)
    logits = (q @ k.transpose(-2, -1) + relative) * scale
    if causal:
        future = torch.ones(length, length, dtype=torch.bool, device=q.device).triu(1)
        logits = logits.masked_fill(future, float("-inf"))
    attention = logits.softmax(-1)
    by_token = attention.permute(2, 0, 1, 3).flatten(1, 2)  # (L, B·H, L)
    return attention @ v + (by_token @ values).transpose(0, 1).reshape(v.shape)
