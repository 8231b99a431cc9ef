"""GDAS (Dong and Yang 2019): one architecture drawn a step, with the gradient of its relaxation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from tanglert.arch import ArchBase, RequireError
from tanglert.choices import Probabilities, Vertex
from tanglert.relax.parameters import ArchParameters


class GDAS:
    """Straight-through Gumbel-softmax: forward one-hot(argmax), backward softmax((alpha + g) / tau).

    Equations 3 to 5 of the paper; its log-probabilities and the alphas differ by what a softmax ignores. tau falls
    linearly from `hot` to `cold` over the training. All positions are drawn at once, in float64, from a
    generator on the CPU that nothing else uses.

    Nested widths: choices that all contain the one drawn get the same gradient, but for the statistics of layer and RMS
    norms, which see their width; without such norms a draw of the smallest one teaches nothing about them. It is the
    exact gradient of the mixture at the vertex, and not the mixture's own (`Straight` in `tanglert.choices`).
    """

    def __init__(
        self,
        alphas: ArchParameters,
        arch_class: type[ArchBase],
        seed: int = 0,
        strength: float = 1e-3,
        hot: float = 10.0,
        cold: float = 0.1,
    ) -> None:
        self.alphas, self.arch_class = alphas, arch_class
        self.weight_decay = strength
        self.hot, self.cold, self.tau = hot, cold, hot
        self.generator = torch.Generator().manual_seed(seed)

    def sample(self) -> Vertex:
        """A vertex, exactly one-hot, whose gradient is that of the soft probabilities.

        A supernet runs only the drawn slice wherever the gradient of all choices is had from it.
        """
        scores = self.alphas.scores()
        soft = ((scores + gumbel(scores.shape, self.generator)) / self.tau).softmax(1)
        hard = F.one_hot(soft.argmax(1), soft.shape[1])
        return Vertex(
            self.alphas.unstacked(hard + (soft - soft.detach()))
        )  # in this order the value is exact

    @torch.no_grad()
    def sampled(self) -> ArchBase | Probabilities:
        """A draw as an architecture, which runs sliced and has the same gradients of the weights.

        As probabilities where no architecture is the same network: where a cell chooses which edges it keeps
        (all are kept while searching), and where the draw is one that the space excludes.
        """
        drawn = self.sample()
        if any(dim.gates for dim in self.alphas.space.dims):
            return drawn
        try:
            return self.arch_class.from_indices(self.alphas.strongest(drawn))
        except RequireError:
            return drawn

    def mean(self) -> Probabilities:
        """softmax(alpha)."""
        return self.alphas.unstacked(self.alphas.scores().softmax(1))

    def penalty(self) -> Tensor:
        """None but the weight decay."""
        return torch.zeros((), dtype=torch.float64)

    def anneal(self, progress: float) -> None:
        """Lowers the temperature."""
        self.tau = self.hot + (self.cold - self.hot) * progress

    def state_dict(self) -> dict[str, Any]:
        """Alphas, generator and temperature."""
        generator = self.generator.get_state()
        return {"alphas": self.alphas.state_dict(), "generator": generator, "tau": self.tau}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self.alphas.load_state_dict(state["alphas"])
        self.generator.set_state(state["generator"])
        self.tau = float(state["tau"])


def gumbel(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Standard Gumbel noise, float64 on the CPU; drawn again if a uniform number of 0 made it infinite."""
    while True:
        noise = -(-torch.rand(shape, dtype=torch.float64, generator=generator).log()).log()
        if noise.isfinite().all():
            return noise
