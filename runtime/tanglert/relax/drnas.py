"""DrNAS (Chen et al. 2021): probabilities drawn from Dirichlets whose concentrations are learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Dirichlet, kl_divergence

from tanglert.choices import Probabilities
from tanglert.relax.parameters import ArchParameters

FLOOR = 0.05
"""Least concentration. Below 2e-3 torch's pathwise gradient is wrong, and its variance grows like 1/c."""


class DrNAS:
    """Dirichlet relaxation: p ~ Dir(elu(alpha) + 1) at every position, with pathwise gradients.

    All positions are drawn at once, in float64, from one generator on the CPU that nothing else uses, so that
    neither dropout nor the order of data moves the samples. For negative alpha the concentration tends to
    `FLOOR` instead of 0.

    regulariser: "l2" is weight decay on alpha, "kl" adds the divergence from the flat Dir(1), both with
    `strength` (equation 7 and section 4 of the paper).
    """

    def __init__(
        self,
        alphas: ArchParameters,
        seed: int = 0,
        regulariser: Literal["l2", "kl", "none"] = "l2",
        strength: float = 1e-3,
    ) -> None:
        self.alphas = alphas
        self.regulariser = regulariser
        self.strength = strength
        self.weight_decay = strength if regulariser == "l2" else 0.0
        self.generator = torch.Generator().manual_seed(seed)

    def concentration(self) -> Tensor:
        """elu(alpha) + 1, kept above the floor: (positions, choices) float64 on the CPU, 1 where no choice is in play."""
        return F.elu(self.alphas.stacked().to("cpu", torch.float64), 1 - FLOOR) + 1

    def sample(self) -> Probabilities:
        """One draw for every position (inverse of the gamma representation: Dir = Gamma / sum of Gamma)."""
        gamma = torch._standard_gamma(self.concentration(), generator=self.generator)
        return self._normalised(gamma)

    def mean(self) -> Probabilities:
        """The distribution's mean: concentrations over their sum."""
        return self._normalised(self.concentration())

    def penalty(self) -> Tensor:
        """`strength` times the sum over positions of KL(Dir(c) || Dir(1)); 0 without the regulariser "kl"."""
        if self.regulariser != "kl":
            return torch.zeros((), dtype=torch.float64)
        rows = [c[m] for c, m in zip(self.concentration(), self.alphas.known, strict=True)]
        divergences = [kl_divergence(Dirichlet(c), Dirichlet(torch.ones_like(c))) for c in rows]
        return self.strength * torch.stack(divergences).sum()

    def anneal(self, progress: float) -> None:
        """Nothing to anneal: the concentrations themselves sharpen."""

    def state_dict(self) -> dict[str, Any]:
        """Alphas and generator."""
        return {"alphas": self.alphas.state_dict(), "generator": self.generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.alphas.load_state_dict(state["alphas"])
        self.generator.set_state(state["generator"])

    def _normalised(self, positive: Tensor) -> Probabilities:
        kept = positive if self.alphas.complete else positive * self.alphas.known
        return self.alphas.unstacked(kept / kept.sum(1, keepdim=True))
