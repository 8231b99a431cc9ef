"""DARTS (Liu et al. 2019): deterministic probabilities, a softmax or sparsemax of the parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from tanglert.choices import Probabilities
from tanglert.relax.parameters import ArchParameters


class Darts:
    """p = softmax(alpha) at every position (equation 2 of the paper), or sparsemax(alpha).

    Sparsemax sets weak choices to exactly 0; a choice at 0 gets no gradient and comes back only when the others
    lose. strength: weight decay on the alphas, 1e-3 in the paper's code.
    """

    def __init__(
        self,
        alphas: ArchParameters,
        normalise: Literal["softmax", "sparsemax"] = "softmax",
        strength: float = 1e-3,
    ) -> None:
        self.alphas, self.normalise = alphas, normalise
        self.weight_decay = strength

    def sample(self) -> Probabilities:
        """The probabilities; there is no noise."""
        scores = self.alphas.scores()
        return self.alphas.unstacked(scores.softmax(1) if self.normalise == "softmax" else sparsemax(scores))

    def mean(self) -> Probabilities:
        """The same."""
        return self.sample()

    def penalty(self) -> Tensor:
        """None but the weight decay."""
        return torch.zeros((), dtype=torch.float64)

    def anneal(self, progress: float) -> None:
        """Nothing to anneal."""

    def state_dict(self) -> dict[str, Any]:
        """The alphas."""
        return {"alphas": self.alphas.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.alphas.load_state_dict(state["alphas"])


def sparsemax(scores: Tensor) -> Tensor:
    """The point of the simplex nearest to each row of `scores`, (rows, choices); -inf is no choice.

    Martins and Astudillo 2016, algorithm 1: p = max(z - tau, 0), tau such that the k largest sum to 1. Its
    gradient, centred over the choices above 0, is what autograd makes of this.
    """
    ordered = scores.sort(dim=1, descending=True).values
    ranks = torch.arange(1, scores.shape[1] + 1, device=scores.device)
    sums = ordered.cumsum(1)
    kept = (1 + ranks * ordered > sums).sum(1, keepdim=True)  # always a first run, never empty
    tau = (sums.gather(1, kept - 1) - 1) / kept
    return (scores - tau).relu()
