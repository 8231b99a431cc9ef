import torch.nn.functional as F
from torch import Tensor, nn


class Attend(nn.Module):
    """Scaled dot-product attention of (B, L, heads * width) or (B, heads, L, width)."""

    def __init__(
        self,
        heads: int,
        head_dim: int,
        causal: bool = False,
        kv_heads: int | None = None,
        v_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.causal = heads, kv_heads or heads, causal

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q = self.split(q, self.heads)
        k = self.split(k, self.kv_heads).repeat_interleave(self.heads // self.kv_heads, 1)
        v = self.split(v, self.kv_heads).repeat_interleave(self.heads // self.kv_heads, 1)
        return F.scaled_dot_product_attention(q, k, v, is_causal=self.causal).transpose(1, 2).flatten(2)

    @staticmethod
    def split(x: Tensor, heads: int) -> Tensor:
        return x if x.dim() == 4 else x.unflatten(-1, (heads, -1)).transpose(1, 2)
