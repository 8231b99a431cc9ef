"""Whole steps of training on random data: of a network alone, of a mixture, of its architecture, of a sampled subnet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from benchmarks.timing import Step
from tanglert.arch import ArchBase
from tanglert.choices import Vertex
from tanglert.relax import ArchParameters
from tanglert.relax.drnas import DrNAS
from tanglert.space import Space
from tanglert.supernet import SupernetBase
from tanglert.train.task import task_for
from tanglert.train.touched import TouchedAdamW, reading

SEED = 0
LEARNING_RATE = 1e-4


class Batch:
    """Random inputs and targets of a space, and the loss of its task."""

    def __init__(self, space: Space, size: int) -> None:
        generator = torch.Generator().manual_seed(SEED)
        (given,) = space.inputs
        kind, shape = space.output
        targets = (size,) if kind == "vector" else (size, shape[0])
        self.x = torch.randn(size, *given.shape, generator=generator)
        if given.kind == "ids":
            vocab, length = given.shape
            self.x = torch.randint(vocab, (size, length), generator=generator)
        self.y = torch.randint(shape[-1], targets, generator=generator)
        self.task = task_for(space)

    def loss(self, network: Callable[[Tensor], Tensor]) -> Tensor:
        return self.task.loss(network(self.x), self.y)


class Weights:
    """The weights of a network, and their optimiser with all its momenta, as in the middle of a training."""

    def __init__(self, network: nn.Module, kind: type[torch.optim.AdamW] = torch.optim.AdamW) -> None:
        self.network = network
        self.optimiser = kind(network.parameters(), LEARNING_RATE, fused=True)
        for parameter in network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)

    def learning(self, batch: Batch) -> Step:
        def step() -> None:
            self.descend(batch.loss(self.network))

        return step

    def descend(self, loss: Tensor) -> None:
        """Backward, and a step of the optimiser; gradients are let go."""
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Without gradients of the weights, and without what autograd would keep for them."""
        self.network.requires_grad_(False)
        yield
        self.network.requires_grad_(True)


class Searching:
    """A supernet in training, with a DrNAS relaxation of it: the steps of a search, each of them whole."""

    def __init__(self, supernet: SupernetBase, batch: Batch) -> None:
        self.supernet, self.batch = supernet, batch
        self.weights = Weights(supernet)
        self.relaxation = DrNAS(ArchParameters(supernet.space), SEED)
        self.alphas = self.relaxation.alphas
        self.arch_optimiser = torch.optim.Adam(self.alphas.parameters(), LEARNING_RATE, fused=True)

    def both(self) -> None:
        """Gradients of weights and architecture in one pass, both optimisers."""
        self.arch_optimiser.zero_grad()
        probabilities = self.relaxation.sample()
        self.weights.descend(self.batch.loss(lambda x: self.supernet(x, probabilities)))
        self.arch_optimiser.step()

    def weights_only(self) -> None:
        """The weights' half of bi-level search."""
        with torch.no_grad():
            probabilities = self.relaxation.sample()
        self.weights.descend(self.batch.loss(lambda x: self.supernet(x, probabilities)))

    def architecture_only(self) -> None:
        """The architecture's half of bi-level search."""
        probabilities = self.relaxation.sample()
        with self.weights.frozen():
            self._learn_architecture(self.batch.loss(lambda x: self.supernet(x, probabilities)))

    def sampled(self, arch: ArchBase) -> Step:
        """The weights of one sliced architecture, as single path one-shot trains them."""

        def step() -> None:
            self.weights.descend(self.batch.loss(lambda x: self.supernet(x, arch)))

        return step

    def touched(self, arch: ArchBase) -> Step:
        """The same where the optimiser leaves alone what the architecture does not read."""
        weights = Weights(self.supernet, TouchedAdamW)

        def step() -> None:
            with reading(weights.optimiser, self.supernet):
                loss = self.batch.loss(lambda x: self.supernet(x, arch))
            weights.descend(loss)

        return step

    def straight(self, arch: ArchBase) -> Step:
        """The architecture's half of GDAS, where the draw is this architecture."""

        def step() -> None:
            vertex = self._vertex(arch)
            with self.weights.frozen():
                self._learn_architecture(self.batch.loss(lambda x: self.supernet(x, vertex)))

        return step

    def _vertex(self, arch: ArchBase) -> Vertex:
        soft = self.alphas.unstacked(self.alphas.scores().softmax(1))
        return Vertex(
            {name: hot + (soft[name] - soft[name].detach()) for name, hot in arch.one_hot().items()}
        )

    def _learn_architecture(self, loss: Tensor) -> None:
        self.arch_optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.arch_optimiser.step()
