"""Activations (tokens, channels) where all that is done to a channel depends on which choices read it.

Channels that the same choices read lie side by side: a *run*. What is one number for a token and a run, (runs, tokens),
is brought to the channels and back by passes over the runs. A product with a thin matrix does that in one call, which
takes one thread of a CPU as long as two passes; several threads, and accelerators, are better off with few calls.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

MOST, NARROWEST = 8, 24
"""Up to how many runs, of how many channels at least, passes over them are the cheaper way (measured on a CPU)."""


def many_calls_are_cheap(x: Tensor) -> bool:
    """Whether a pass over a part of a tensor costs no more than its share: each has to be given to several threads, or to an
    accelerator.
    """
    return x.device.type == "cpu" and torch.get_num_threads() == 1


def passes_pay(lengths: Sequence[int], x: Tensor) -> bool:
    """Whether to go over runs of so many channels one by one."""
    return len(lengths) <= MOST and min(lengths) >= NARROWEST and many_calls_are_cheap(x)


class Runs:
    """Passes over x (tokens, channels), for runs of so many channels; `w` (channels), `s` (runs, tokens)."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self.lengths = list(lengths)

    def sums(self, x: Tensor) -> Tensor:
        """The sum over each run of every token, (runs, tokens)."""
        return torch.stack([run.sum(1) for run in self._columns(x)])

    def dots(self, x: Tensor, w: Tensor) -> Tensor:
        """The same of x times w."""
        return torch.stack([torch.mv(run, own) for run, own in zip(self._columns(x), self._columns(w))])

    def totals(self, x: Tensor, s: Tensor) -> Tensor:
        """The sum of x times s over tokens, (channels)."""
        return torch.cat([torch.mv(run.t(), own) for run, own in zip(self._columns(x), s)])

    def scale(self, x: Tensor, s: Tensor, out: Tensor) -> Tensor:
        """x times s, written to `out`."""
        for run, own, result in zip(self._columns(x), s.unsqueeze(2), self._columns(out)):
            torch.mul(run, own, out=result)
        return out

    def subtract_(self, y: Tensor, s: Tensor) -> Tensor:
        """y less s, in place."""
        for run, own in zip(self._columns(y), s.unsqueeze(2)):
            run.sub_(own)
        return y

    def subtract_product_(self, y: Tensor, x: Tensor, s: Tensor) -> Tensor:
        """y less x times s, in place."""
        for result, run, own in zip(self._columns(y), self._columns(x), s.unsqueeze(2)):
            result.addcmul_(run, own, value=-1)
        return y

    def _columns(self, x: Tensor) -> Sequence[Tensor]:
        return torch.split_with_sizes(x, self.lengths, -1)
