"""Mixed linear maps alone, at few tokens, where what is done to the weights weighs most."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from benchmarks.mixing_steps import LEARNING_RATE, Weights
from benchmarks.rows import Race, Row
from tanglert.choices import Mixed
from tanglert.dim import Dim
from tanglert.nn import Linear
from tanglert.relax import ArchParameters
from tanglert.relax.drnas import DrNAS
from tanglert.space import Space

TOKENS = (8, 64, 256)
SHAPES = (([192, 216, 240], [3, 4], 192), ([320, 384, 448], [5, 6, 7], 64))
"""Choices of the width that is read, choices of heads, and what is written for each head: AutoFormer's T (its queries,
keys and values in one) and S."""
LAYERS = 8
"""Maps of one step, each with heads of its own, so that what is done once a step is shared as in a network."""
TIMES = 10


def rows() -> Iterator[Row]:
    """Whole steps of mixed maps over those of plain ones."""
    for embed, heads, size in SHAPES:
        for tokens in TOKENS:
            layers = Layers(embed, heads, size, tokens)
            yield Race(
                f"{embed[-1]} → {heads[-1] * size}, {tokens} tokens",
                {
                    "plain": layers.plain,
                    "weights + architecture": layers.both,
                    "weights": layers.weights_only,
                    "architecture": layers.architecture_only,
                },
                TIMES,
            )


class Layers:
    """Maps of one input, plain and mixed, with the probabilities of a DrNAS relaxation."""

    def __init__(self, embed: list[int], heads: list[int], size: int, tokens: int) -> None:
        torch.manual_seed(0)
        inp, out = Dim("embed", embed), Dim("heads", heads, per="layer", positions=LAYERS)
        self.space = Space("linear", dims=[inp, out], inputs=[], output=("several", ()))
        self.alphas = ArchParameters(self.space)
        self.relaxation = DrNAS(self.alphas)
        self.mixed = nn.ModuleList(Linear(inp, out[i] * size) for i in range(LAYERS))
        self.alone = nn.ModuleList(nn.Linear(embed[-1], heads[-1] * size) for _ in range(LAYERS))
        self.x = torch.randn(tokens, embed[-1], requires_grad=True)
        self.gradient = torch.randn(tokens, heads[-1] * size)
        self.of_mixed, self.of_alone = Weights(self.mixed), Weights(self.alone)
        self.of_alphas = torch.optim.Adam(self.alphas.parameters(), LEARNING_RATE, fused=True)

    def plain(self) -> None:
        self._run(self.alone, lambda layer: layer(self.x), self.of_alone.optimiser)

    def both(self) -> None:
        at = Mixed(self.space, self.relaxation.sample())
        self._run(self.mixed, lambda layer: layer(self.x, at), self.of_mixed.optimiser, self.of_alphas)

    def weights_only(self) -> None:
        with torch.no_grad():
            at = Mixed(self.space, self.relaxation.sample())
        self._run(self.mixed, lambda layer: layer(self.x, at), self.of_mixed.optimiser)

    def architecture_only(self) -> None:
        at = Mixed(self.space, self.relaxation.sample())
        with self.of_mixed.frozen():
            self._run(self.mixed, lambda layer: layer(self.x, at), self.of_alphas)

    def _run(
        self, layers: nn.ModuleList, value: Callable[[nn.Module], Tensor], *optimisers: torch.optim.Optimizer
    ) -> None:
        """Forward, backward and a step of the optimisers; gradients are let go."""
        values = [value(layer) for layer in layers]
        torch.autograd.backward(values, [self.gradient] * len(values))
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.x.grad = None
