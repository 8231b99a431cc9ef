"""What it takes to draw the probabilities of a whole space for a step, and to bring their gradient back to the alphas."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Dirichlet

from benchmarks.rows import Race, Row
from benchmarks.timing import Step
from tanglec.api import compile_file
from tanglert.choices import Mixed, Probabilities
from tanglert.protocols import Relaxation
from tanglert.relax import ArchParameters
from tanglert.relax.darts import Darts
from tanglert.relax.drnas import DrNAS
from tanglert.relax.gdas import GDAS
from tanglert.supernet import SupernetBase

SPACES = ("autoformer_t", "darts")
TIMES = 20


def rows() -> Iterator[Row]:
    """Each relaxation's draw over a Dirichlet of its own for every position."""
    for space in SPACES:
        module = compile_file(space).load()
        supernet: SupernetBase = module.Supernet()
        alphas = ArchParameters(supernet.space)
        relaxations: dict[str, Relaxation] = {
            "DrNAS": DrNAS(alphas),
            "DARTS": Darts(alphas),
            "GDAS": GDAS(alphas, module.Arch),
        }
        steps = {name: drawing(supernet, alphas, r.sample) for name, r in relaxations.items()}
        steps["DrNAS, not yet read"] = drawing_alone(alphas, relaxations["DrNAS"].sample)
        name = f"`{space}`, {len(alphas.positions)} positions"
        yield Race(name, {"separate Dirichlets": separate(alphas), **steps}, TIMES)


def drawing(supernet: SupernetBase, alphas: ArchParameters, sample: Callable[[], Probabilities]) -> Step:
    """A draw, read as the supernet reads it, and the way back from every position."""

    def read() -> list[Tensor]:
        at = supernet.choices(sample())
        assert isinstance(at, Mixed)
        return [at.probability(position) for position in alphas.positions]

    return and_back(read, alphas)


def drawing_alone(alphas: ArchParameters, sample: Callable[[], Probabilities]) -> Step:
    """A draw as it is handed over, a tensor for each dimension, and the way back from these."""
    return and_back(lambda: list(sample().values()), alphas)


def and_back(draw: Callable[[], list[Tensor]], alphas: ArchParameters) -> Step:
    """A draw, and the way back of gradients that are there: a network would have computed them."""
    parameters, gradients = list(alphas.parameters()), [torch.ones_like(p) for p in draw()]

    def step() -> None:
        torch.autograd.grad(draw(), parameters, gradients)

    return step


def separate(alphas: ArchParameters) -> Step:
    """One call of torch's Dirichlet for each position."""
    counts = [len(position.choices) for position in alphas.positions]
    own = [torch.zeros(count, requires_grad=True) for count in counts]
    gradients = [torch.ones(count) for count in counts]

    def step() -> None:
        torch.autograd.grad([Dirichlet(F.elu(alpha) + 1).rsample() for alpha in own], own, gradients)

    return step
