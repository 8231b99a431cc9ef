import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Attend(nn.Module):
    """Attention with two-dimensional relative positions of keys and values (AutoFormer, Chen et al. 2021)."""

    def __init__(
        self,
        heads: int,
        head_dim: int,
        causal: bool = False,
        kv_heads: int | None = None,
        v_dim: int | None = None,
        relative_position: int = 0,
        grid: tuple[int, int] = (0, 0),
        prefix: int = 0,
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.causal, self.scale = heads, kv_heads or heads, causal, head_dim**-0.5
        r, places = relative_position, torch.arange(grid[0] * grid[1])
        for name, width in (("k", head_dim), ("v", v_dim or head_dim)):
            for way in ("v", "h"):
                table = nn.init.trunc_normal_(torch.empty(2 * r + 2, width), std=0.02)
                self.register_parameter(f"rel_{name}_{way}", nn.Parameter(table))
        self.register_buffer("vertical", self.rows(places // grid[1], r, prefix), persistent=False)
        self.register_buffer("horizontal", self.rows(places % grid[1], r, prefix), persistent=False)

    @staticmethod
    def rows(place: Tensor, r: int, prefix: int) -> Tensor:
        distance = (place.unsqueeze(0) - place.unsqueeze(1)).clamp(-r, r) + r + 1
        return F.pad(distance, (prefix, 0, prefix, 0))

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q = self.split(q, self.heads)
        k = self.split(k, self.kv_heads).repeat_interleave(self.heads // self.kv_heads, 1)
        v = self.split(v, self.kv_heads).repeat_interleave(self.heads // self.kv_heads, 1)
        batch, heads, length, _ = q.shape
        keys = self.rel_k_v[self.vertical] + self.rel_k_h[self.horizontal]
        values = self.rel_v_v[self.vertical] + self.rel_v_h[self.horizontal]
        by_token = q.permute(2, 0, 1, 3).flatten(1, 2)
        relative = (by_token @ keys.transpose(1, 2)).transpose(0, 1).reshape(batch, heads, length, length)
        logits = (q @ k.transpose(-2, -1) + relative) * self.scale
        if self.causal:
            future = torch.ones(length, length, dtype=torch.bool, device=q.device).triu(1)
            logits = logits.masked_fill(future, float("-inf"))
        attention = logits.softmax(-1)
        by_token = attention.permute(2, 0, 1, 3).flatten(1, 2)
        y = attention @ v + (by_token @ values).transpose(0, 1).reshape(v.shape)
        return y.transpose(1, 2).flatten(2)

    @staticmethod
    def split(x: Tensor, heads: int) -> Tensor:
        return x if x.dim() == 4 else x.unflatten(-1, (heads, -1)).transpose(1, 2)
