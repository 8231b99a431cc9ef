"""Architecture parameters: one real number for every choice of every position."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tanglert.choices import Known, Probabilities
from tanglert.dim import Dim
from tanglert.extent import Position
from tanglert.space import Space

_LEAST = 1e-300
"""Probabilities of 0 (sparsemax) are taken as this: such a choice comes last, but is one."""


class SampledOnlyError(ValueError):
    """A dimension that cannot be superposed met a method that has to superpose it."""


class ArchParameters(nn.Module):
    """The alphas of a space: for every dimension a parameter in the shape of its probabilities.

    (choices,) for a dimension of the whole network, (positions, choices) for one with a scope; where
    positions have lists of unequal length, the right is padded and masked. Drawn as 1e-3 · randn from a
    generator of their own. Which edges a cell keeps has no parameters: a mixture keeps all.

    mask: the choices in play, (positions, choices): all that there are until `keep_best` prunes some. A choice that
    is out of play has probability 0 whatever its parameter, and no architecture is derived with it. known: the
    same on the CPU, where reading it waits for nothing.

    Raises SampledOnlyError if a dimension of the space can only be sampled.
    """

    mask: Tensor
    places: Tensor
    known: Tensor

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
        self.register_buffer("mask", torch.cat([widen(mask, self.width) for mask in masks]))
        self.even = all(dim.width == self.width for dim in self.dims)
        # Where each of the alphas end to end lies among those of all positions.
        sizes = [mask.numel() for mask in masks]
        own = torch.split_with_sizes(torch.arange(sum(sizes)), sizes)
        parts = [
            F.pad(p.view_as(m), (0, self.width - m.shape[1]), value=sum(sizes)) for p, m in zip(own, masks)
        ]
        self.register_buffer("places", torch.cat(parts).flatten(), persistent=False)
        self.register_load_state_dict_post_hook(_look)  # type: ignore[no-untyped-call]
        self.look()

    def look(self) -> None:
        """Reads the mask, once whenever it has changed, so that no step has to."""
        self.known = self.mask.cpu()
        pairs = zip(self.positions, self.known.tolist(), strict=True)
        self.complete = bool(self.known.all())
        left = {p: frozenset(i for i, plays in enumerate(row) if plays) for p, row in pairs}
        self.in_play = {p: numbers for p, numbers in left.items() if len(numbers) < len(p.choices)}

    @torch.no_grad()
    def keep_best(self, count: int, probabilities: Probabilities) -> None:
        """Prunes all but the `count` most probable choices of every position; of equals the first ones stay.

        Chen et al. 2021 (DrNAS), section 3.3. A choice that architectures may not take counts like the others, but
        does not stay alone: the best one that they may take then has the place of the last. ValueError if none is
        to stay.
        """
        if count < 1:
            raise ValueError(
                f"of the choices of every position {count} are to be kept; it must be 1 at least"
            )
        rows = torch.cat([widen(probabilities[d.name].reshape(-1, d.width), self.width) for d in self.dims])
        ranked = rows.double().cpu().masked_fill(~self.known, -1)
        order = ranked.argsort(dim=1, descending=True, stable=True)[:, :count]
        best = torch.zeros_like(self.known).scatter(1, order, True) & self.known
        allowed = self.allowed()
        barred = ~(best & allowed).any(1, keepdim=True)
        way_out = ranked.masked_fill(~allowed, -1).argmax(1, keepdim=True)
        best = best.scatter(1, order[:, -1:], best.gather(1, order[:, -1:]) & ~barred)
        best = best.scatter(1, way_out, best.gather(1, way_out) | barred)
        self.mask.copy_(best)
        self.look()

    def stacked(self) -> Tensor:
        """The alphas of all positions as one (positions, choices) tensor, 0 where no choice is in play."""
        parts = [alpha.flatten() for alpha in self.values.values()]
        if not self.even:
            parts.append(parts[0].new_zeros(1))  # what pads
        flat = torch.cat(parts)
        flat = flat if self.even else flat.index_select(0, self.places)
        rows = flat.view(-1, self.width)
        return rows if self.complete else rows * self.mask

    def unstacked(self, probabilities: Tensor) -> Probabilities:
        """Rows (positions, choices) as a mapping in the alphas' shapes, dtype and device, with what was pruned."""
        counts = [len(dim.positions) for dim in self.dims]
        parts = torch.split_with_sizes(probabilities.to(self.values[self.dims[0].name]), counts)
        return Known({dim.name: _cut(dim, part) for dim, part in zip(self.dims, parts)}, self.in_play)

    def scores(self) -> Tensor:
        """The alphas of all positions as float64 on the CPU, (positions, choices), -inf where no choice is in play."""
        scores = self.stacked().to("cpu", torch.float64)
        return scores if self.complete else scores.masked_fill(~self.known, -torch.inf)

    def strongest(self, probabilities: Probabilities) -> dict[Position, int]:
        """The number of the most probable choice at every position of the alphas."""
        rows = [probabilities[dim.name].reshape(len(dim.positions), -1) for dim in self.dims]
        best = [number for part in rows for number in part.argmax(1).tolist()]
        return dict(zip(self.positions, best, strict=True))

    @torch.no_grad()
    def log_probabilities(self, probabilities: Probabilities | None = None) -> Tensor:
        """Logarithms, of the alphas' softmax or of others, (positions, choices); -inf where out of play or forbidden."""
        if probabilities is None:
            logs = F.log_softmax(self.scores(), dim=1)
        else:
            rows = [probabilities[name].reshape(-1, a.shape[-1]) for name, a in self.values.items()]
            logs = (
                torch.cat([widen(part, self.width) for part in rows]).double().cpu().clamp_min(_LEAST).log()
            )
        return logs.masked_fill(~self.allowed(), -torch.inf)

    def allowed(self) -> Tensor:
        """Which choices in play an architecture may take, (positions, choices)."""
        allowed = torch.zeros_like(self.known)
        for row, (dim, position) in enumerate((d, p) for d in self.dims for p in d.positions):
            allowed[row, dim.allowed(position)] = True
        return allowed & self.known


def _look(alphas: nn.Module, _: object) -> None:
    """After a state was loaded."""
    assert isinstance(alphas, ArchParameters)
    alphas.look()


def _cut(dim: Dim, rows: Tensor) -> Tensor:
    """Rows of a dimension in the shape of its probabilities; no node of a graph where they have it."""
    part = rows if rows.shape[1] == dim.width else rows[:, : dim.width]
    return part[0] if dim.per is None else part


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
    return rows if rows.shape[1] == width else F.pad(rows, (0, width - rows.shape[1]))
