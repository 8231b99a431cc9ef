"""Activations (tokens, channels) where all that is done to a channel depends on which choices read it.

Channels that the same choices read lie side by side: a *run*. What is one number for a token and a run, (runs, tokens),
is brought to the channels and back by passes over the runs (`EachRun`), or by thin matrix products (`AllRuns`) where they
are many, narrow, or on an accelerator, which is better off with few calls. A product with a thin matrix takes a CPU
as long as two passes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

MOST, NARROWEST = 8, 16
"""Up to how many runs, of how many channels at least, passes over them are the cheaper way (measured on a CPU)."""


class Runs(ABC):
    """Passes over x (tokens, channels); `w` (channels), `s` (runs, tokens)."""

    @abstractmethod
    def sums(self, x: Tensor) -> Tensor:
        """The sum over each run of every token, (runs, tokens)."""

    @abstractmethod
    def dots(self, x: Tensor, w: Tensor) -> Tensor:
        """The same of x times w."""

    @abstractmethod
    def totals(self, x: Tensor, s: Tensor) -> Tensor:
        """The sum of x times s over tokens, (channels)."""

    @abstractmethod
    def scale(self, x: Tensor, s: Tensor, out: Tensor) -> Tensor:
        """x times s, written to `out`."""

    @abstractmethod
    def add_(self, y: Tensor, s: Tensor, times: float = 1) -> Tensor:
        """y plus some times s, in place."""

    @abstractmethod
    def subtract_(self, y: Tensor, x: Tensor, s: Tensor) -> Tensor:
        """y less x times s, in place."""


def runs_of(lengths: Sequence[int], x: Tensor) -> Runs:
    """The cheaper way for runs of so many channels of a tensor."""
    few = len(lengths) <= MOST and min(lengths) >= NARROWEST
    return EachRun(lengths) if few and x.device.type == "cpu" else AllRuns(lengths, x)


class EachRun(Runs):
    """Run by run."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self.lengths = list(lengths)

    def sums(self, x: Tensor) -> Tensor:
        return torch.stack([run.sum(1) for run in self._columns(x)])

    def dots(self, x: Tensor, w: Tensor) -> Tensor:
        return torch.stack([torch.mv(run, own) for run, own in zip(self._columns(x), self._columns(w))])

    def totals(self, x: Tensor, s: Tensor) -> Tensor:
        return torch.cat([torch.mv(run.t(), own) for run, own in zip(self._columns(x), s)])

    def scale(self, x: Tensor, s: Tensor, out: Tensor) -> Tensor:
        for run, own, result in zip(self._columns(x), s.unsqueeze(2), self._columns(out)):
            torch.mul(run, own, out=result)
        return out

    def add_(self, y: Tensor, s: Tensor, times: float = 1) -> Tensor:
        for run, own in zip(self._columns(y), s.unsqueeze(2)):
            run.add_(own, alpha=times)
        return y

    def subtract_(self, y: Tensor, x: Tensor, s: Tensor) -> Tensor:
        for result, run, own in zip(self._columns(y), self._columns(x), s.unsqueeze(2)):
            result.addcmul_(run, own, value=-1)
        return y

    def _columns(self, x: Tensor) -> Sequence[Tensor]:
        return torch.split_with_sizes(x, self.lengths, -1)


class AllRuns(Runs):
    """By the matrix that says which channel lies in which run, (runs, channels)."""

    def __init__(self, lengths: Sequence[int], x: Tensor) -> None:
        count = len(lengths)
        lengths_there = torch.tensor(lengths, device=x.device)
        one = torch.eye(count, dtype=x.dtype, device=x.device)
        self.matrix = one.repeat_interleave(lengths_there, 1, output_size=sum(lengths))

    def sums(self, x: Tensor) -> Tensor:
        return self.matrix @ x.t()

    def dots(self, x: Tensor, w: Tensor) -> Tensor:
        return (self.matrix * w) @ x.t()

    def totals(self, x: Tensor, s: Tensor) -> Tensor:
        return (self.matrix * (s @ x)).sum(0)

    def scale(self, x: Tensor, s: Tensor, out: Tensor) -> Tensor:
        return torch.mul(s.t() @ self.matrix, x, out=out)

    def add_(self, y: Tensor, s: Tensor, times: float = 1) -> Tensor:
        return y.addmm_(s.t(), self.matrix, alpha=times)

    def subtract_(self, y: Tensor, x: Tensor, s: Tensor) -> Tensor:
        return y.addcmul_(x, s.t() @ self.matrix, value=-1)
