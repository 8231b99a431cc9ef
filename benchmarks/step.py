"""One supernet with random data, and the step of bi-level training that is measured on it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tanglec.api import compile_file
from tanglert.choices import Probabilities
from tanglert.space import Space
from tanglert.supernet import SupernetBase

SHARINGS = ("entangled", "separate")
LEARNING_RATE, MOMENTUM = 0.01, 0.9
SEED = 0


class BilevelStep:
    """A supernet of a shipped space of images, in training mode, with random images and labels.

    sharing: "entangled", or "separate" for plain weight sharing. Both have the same positions with the same choices, hence
    the same data and the same probabilities.
    """

    def __init__(self, space: str, sharing: str, batch: int) -> None:
        module = compile_file(space, sharing=sharing).load()
        torch.manual_seed(SEED)
        self.supernet: SupernetBase = module.Supernet()
        self.space: Space = module.SPACE
        (image,) = self.space.inputs
        _, (classes,) = self.space.output
        data = torch.Generator().manual_seed(SEED)
        self.images = torch.randn(batch, *image.shape, generator=data)
        self.labels = torch.randint(classes, (batch,), generator=data)
        self.probabilities = torch.Generator().manual_seed(SEED)
        self.optimiser = torch.optim.SGD(self.supernet.parameters(), LEARNING_RATE, MOMENTUM)

    def run(self) -> None:
        """Both halves, as DARTS has them in first order: the architecture's gradient, then a step of the weights."""
        probabilities = self.random_probabilities()
        loss = self.loss({dim: p.requires_grad_() for dim, p in probabilities.items()})
        torch.autograd.grad(loss, list(probabilities.values()))
        self.optimiser.zero_grad()
        self.loss(self.random_probabilities()).backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()

    def loss(self, probabilities: Probabilities) -> Tensor:
        """Cross entropy of the mixture."""
        return F.cross_entropy(self.supernet(self.images, probabilities), self.labels)

    def random_probabilities(self) -> dict[str, Tensor]:
        """Uniform on every position's simplex; edges to keep are left out, which keeps them all, as while searching."""
        return {dim.name: self._simplex(dim.shape) for dim in self.space.dims if not dim.gates}

    def _simplex(self, shape: tuple[int, ...]) -> Tensor:
        draws = torch.empty(shape).exponential_(generator=self.probabilities)
        return draws / draws.sum(-1, keepdim=True)

    @property
    def parameters(self) -> int:
        return sum(p.numel() for p in self.supernet.parameters())
