"""Architecture parameters: one real number for every choice of every position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    """The alphas of a space: one parameter for all of it, (positions, choices), with zeros on the right of those that have
    fewer choices.

    Drawn as 1e-3 · randn from a generator of their own. Which edges a cell keeps has no parameters: a mixture keeps all.

    rows: the parameter. positions: whose they are. values: by dimension, views of it in the shape of its probabilities.
    mask: the choices in play, (positions, choices): all that there are until `keep_best` prunes some. A choice that
    is out of play has probability 0 whatever its parameter, and no architecture is derived with it. known: the
    same on the CPU, where reading it waits for nothing.

    Raises SampledOnlyError if a dimension of the space can only be sampled.
    """

    mask: Tensor
    known: Tensor

    def __init__(self, space: Space, seed: int = 0, scale: float = 1e-3) -> None:
        super().__init__()
        refuse_sampled_only(space)
        self.space = space
        generator = torch.Generator().manual_seed(seed)
        self.dims = tuple(dim for dim in space.dims if not dim.gates)
        self.positions = tuple(position for dim in self.dims for position in dim.positions)
        self.counts = [len(dim.positions) for dim in self.dims]
        self.width = max(dim.width for dim in self.dims)
        choices = torch.tensor([len(position.choices) for position in self.positions])
        drawn = [torch.randn(len(dim.positions), dim.width, generator=generator) for dim in self.dims]
        self.register_buffer("mask", torch.arange(self.width) < choices.unsqueeze(1))
        self.rows = nn.Parameter(scale * torch.cat([widen(part, self.width) for part in drawn]) * self.mask)
        self.register_load_state_dict_pre_hook(_refuse_older)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_post_hook(_look)  # type: ignore[no-untyped-call]
        self.look()

    @property
    def values(self) -> Mapping[str, Tensor]:
        """The alphas of every dimension: (choices,), or (positions, choices) if it is scoped."""
        return self.by_dimension(self.rows)

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
        ranked = self._widened(probabilities).double().cpu().masked_fill(~self.known, -1)
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
        """The alphas of all positions, (positions, choices), 0 where a choice was pruned."""
        return self.rows * self.mask if self.in_play else self.rows

    def unstacked(self, probabilities: Tensor) -> Probabilities:
        """Rows (positions, choices) as a mapping in the alphas' shapes, dtype and device, with what was pruned."""
        return Known(self.by_dimension(probabilities.to(self.rows)), self.in_play)

    def by_dimension(self, rows: Tensor) -> dict[str, Tensor]:
        """Rows (positions, choices) as views in the shape of every dimension's probabilities."""
        parts = torch.split_with_sizes(rows, self.counts)
        return {dim.name: _shaped(dim, part) for dim, part in zip(self.dims, parts)}

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
            logs = self._widened(probabilities).double().cpu().clamp_min(_LEAST).log()
        return logs.masked_fill(~self.allowed(), -torch.inf)

    def _widened(self, probabilities: Probabilities) -> Tensor:
        """Probabilities of all positions, (positions, choices)."""
        parts = [probabilities[dim.name].reshape(-1, dim.width) for dim in self.dims]
        return torch.cat([widen(part, self.width) for part in parts])

    def allowed(self) -> Tensor:
        """Which choices in play an architecture may take, (positions, choices)."""
        allowed = torch.zeros_like(self.known)
        for row, (dim, position) in enumerate((d, p) for d in self.dims for p in d.positions):
            allowed[row, dim.allowed(position)] = True
        return allowed & self.known


def _refuse_older(_: nn.Module, state: Mapping[str, Any], prefix: str, *__: object) -> None:
    """Raises ValueError if a state has a parameter for each dimension, whose optimiser's state would not fit either."""
    if any(key.startswith(f"{prefix}values.") for key in state):
        raise ValueError("its alphas are those of an earlier version; start the search anew")


def _look(alphas: nn.Module, _: object) -> None:
    """After a state was loaded."""
    assert isinstance(alphas, ArchParameters)
    alphas.look()


def _shaped(dim: Dim, rows: Tensor) -> Tensor:
    """Rows of a dimension in the shape of its probabilities, as a view; no node of a graph where they have it."""
    part = rows if rows.shape[1] == dim.width else rows[:, : dim.width]
    return part.view(dim.shape) if dim.per is None else part


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
