"""Architecture parameters: one real number for every choice of every position."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tanglert.choices import Probabilities
from tanglert.extent import Position
from tanglert.space import Space


class SampledOnlyError(ValueError):
    """A dimension that cannot be superposed met a method that has to superpose it."""


class ArchParameters(nn.Module):
    """The alphas of a space: for every dimension a parameter in the shape of its probabilities.

    (choices,) for a dimension of the whole network, (positions, choices) for one with a scope; where
    positions have lists of unequal length, the right is padded and masked. Drawn as 1e-3 · randn from a
    generator of their own. Which edges a cell keeps has no parameters: a mixture keeps all.

    Raises SampledOnlyError if a dimension of the space can only be sampled.
    """

    mask: Tensor

    def __init__(self, space: Space, seed: int = 0, scale: float = 1e-3) -> None:
        super().__init__()
        refuse_sampled_only(space)
        self.space = space
        generator = torch.Generator().manual_seed(seed)
        self.values = nn.ParameterDict()
        masks = []
        self.dims = tuple(dim for dim in space.dims if not dim.gates)
        self.positions = tuple(position for dim in self.dims for position in dim.positions)
        for dim in self.dims:
            counts = torch.tensor([len(position.choices) for position in dim.positions])
            mask = torch.arange(dim.width) < counts[:, None]
            alpha = scale * torch.randn(mask.shape, generator=generator) * mask
            self.values[dim.name] = nn.Parameter(alpha.reshape(dim.shape))
            masks.append(mask)
        self.width = max(dim.width for dim in self.dims)
        self.register_buffer("mask", torch.cat([widen(mask, self.width) for mask in masks]), persistent=False)

    def stacked(self) -> Tensor:
        """The alphas of all positions as one (positions, choices) tensor, 0 where padded."""
        rows = [widen(alpha.reshape(-1, alpha.shape[-1]), self.width) for alpha in self.values.values()]
        return torch.cat(rows) * self.mask

    def unstacked(self, probabilities: Tensor) -> Probabilities:
        """Rows (positions, choices) as a mapping in the alphas' shapes, dtype and device."""
        result: dict[str, Tensor] = {}
        start = 0
        for name, alpha in self.values.items():
            rows = alpha.numel() // alpha.shape[-1]
            part = probabilities[start : start + rows, : alpha.shape[-1]]
            result[name] = part.reshape(alpha.shape).to(alpha)
            start += rows
        return result

    def scores(self) -> Tensor:
        """The alphas of all positions as float64 on the CPU, (positions, choices), -inf where padded."""
        return self.stacked().double().cpu().masked_fill(~self.mask.cpu(), -torch.inf)

    def strongest(self, probabilities: Probabilities) -> dict[Position, int]:
        """The number of the most probable choice at every position of the alphas."""
        rows = [probabilities[dim.name].reshape(len(dim.positions), -1) for dim in self.dims]
        best = [number for part in rows for number in part.argmax(1).tolist()]
        return dict(zip(self.positions, best, strict=True))

    def log_probabilities(self) -> Tensor:
        """log softmax of the alphas, (positions, choices), -inf where padded or forbidden."""
        logits = self.stacked().detach().masked_fill(~self.mask, -torch.inf)
        return F.log_softmax(logits.double(), dim=1).masked_fill(
            ~self.allowed().to(logits.device), -torch.inf
        )

    def allowed(self) -> Tensor:
        """Which choices an architecture may take, (positions, choices)."""
        allowed = torch.zeros_like(self.mask, device="cpu")
        for row, (dim, position) in enumerate((d, p) for d in self.dims for p in d.positions):
            allowed[row, dim.allowed(position)] = True
        return allowed


def refuse_sampled_only(space: Space) -> None:
    """Raises SampledOnlyError naming the dimensions that cannot be superposed."""
    names = [dim.name for dim in space.dims if dim.name in space.sampled_only]
    if names:
        listed = ", ".join(f"`{name}`" for name in names)
        raise SampledOnlyError(
            f"{listed} of `{space.name}` can only be sampled, not superposed: gradient-based search has no"
            " mixture of it; use a sampling method (spos, fairnas, sandwich)"
        )


def widen(rows: Tensor, width: int) -> Tensor:
    """Rows padded with zeros on the right."""
    return F.pad(rows, (0, width - rows.shape[1]))
