"""The architecture's step of GDAS on the drawn slice, against the whole mixture and against the drawn network alone.

    python -m benchmarks.gdas [--rounds 15] [--out benchmarks/results/gdas.json]

All three see the same draws, a new one every round, so that quartiles tell how draws differ. CPU only, one thread.

The network alone differentiates the weights through which gradients reach probabilities in the supernet. Tables of relative
positions are none of them, and their gradient takes nearly a third of a step of autoformer_t alone: with it, the network
alone would look slower than it is.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.machine import load, machine
from benchmarks.timing import Comparison, compare
from tanglec.api import Compiled, compile_file
from tanglert.arch import ArchBase
from tanglert.choices import Probabilities, Vertex
from tanglert.nn.layer import Layer
from tanglert.train.atomic import replace_text

BATCHES = {"vit_mini": 64, "autoformer_t": 2}
RESULTS = Path("benchmarks/results/gdas.json")
SEED = 0


class ArchStep:
    """A supernet with random images and labels, and uniform draws of its architectures with the plain network of each."""

    def __init__(self, space: str, batch: int, draws: int) -> None:
        compiled: Compiled = compile_file(space)
        module = compiled.load()
        torch.manual_seed(SEED)
        self.supernet: nn.Module = module.Supernet()
        (image,) = module.SPACE.inputs
        _, (classes,) = module.SPACE.output
        self.images = torch.randn(batch, *image.shape)
        self.labels = torch.randint(classes, (batch,))
        sampler = module.Sampler(SEED)
        self.draws: list[ArchBase] = [sampler() for _ in range(draws)]
        self.networks = [compiled.derive(arch) for arch in self.draws]

    def searching(self, kind: Callable[[Probabilities], Probabilities]) -> Callable[[], None]:
        """Forward and backward to the probabilities, at one draw after the other."""
        draws = cycle(self.draws)

        def step() -> None:
            hot = {name: p.requires_grad_() for name, p in next(draws).one_hot().items()}
            loss = self._loss(self.supernet(self.images, kind(hot)))
            torch.autograd.grad(loss, list(hot.values()), allow_unused=True)

        return step

    def alone(self) -> Callable[[], None]:
        """Forward and backward to the entangled weights of the plain networks."""
        networks: Iterator[nn.Module] = cycle(self.networks)
        layers = [(name, m) for name, m in self.supernet.named_modules() if isinstance(m, Layer)]
        entangled = {f"{name}.{weight}" for name, layer in layers for weight in layer.entangled}

        def step() -> None:
            network = next(networks)
            weights = [p for name, p in network.named_parameters() if name in entangled]
            torch.autograd.grad(self._loss(network(self.images)), weights)

        return step

    def _loss(self, output: Tensor) -> Tensor:
        return F.cross_entropy(output, self.labels)


def measure(space: str, batch: int, rounds: int) -> dict[str, Any]:
    """Seconds of all three, and the ratios of the sliced step to the other two."""
    step = ArchStep(space, batch, rounds)
    sliced = step.searching(Vertex)
    whole = compare(sliced, step.searching(dict), rounds)
    alone = compare(step.searching(Vertex), step.alone(), rounds)
    return {
        "input": list(step.images.shape),
        "draws": [str(arch) for arch in step.draws],
        "seconds": {
            "sliced": round(whole.seconds[0], 4),
            "mixture": round(whole.seconds[1], 4),
            "alone": round(alone.seconds[1], 4),
        },
        "sliced_over_mixture": ratio(whole),
        "sliced_over_alone": ratio(alone),
    }


def ratio(comparison: Comparison) -> dict[str, Any]:
    return {
        "median": round(comparison.ratio, 3),
        "quartiles": [round(q, 3) for q in comparison.quartiles],
    }


def table(results: dict[str, Any]) -> str:
    """The ratios as Markdown, a row for each space."""
    rows = ["| space | input | over the mixture | quartiles | over the network alone | quartiles |"]
    rows.append("|---|---|---|---|---|---|")
    for name, space in results["spaces"].items():
        cells = [f"`{name}`", " × ".join(str(n) for n in space["input"])]
        for key in ("sliced_over_mixture", "sliced_over_alone"):
            low, high = space[key]["quartiles"]
            cells += [f"{space[key]['median']:.2f}", f"{low:.2f} to {high:.2f}"]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    """Measures, shows the table, and writes the results."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--spaces", nargs="+", choices=BATCHES, default=list(BATCHES))
    parser.add_argument("--rounds", type=int, default=15, help="of timing, two at least (15)")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"where results go ({RESULTS})")
    given = parser.parse_args()
    if given.rounds < 2:
        parser.error("--rounds must be 2 at least: quartiles need two rounds")
    torch.set_num_threads(1)
    before, spaces = load(), {}
    for space in given.spaces:
        print(f"{space} …", file=sys.stderr)
        spaces[space] = measure(space, BATCHES[space], given.rounds)
    settings = {"threads": 1, "rounds": given.rounds, "clock": "CPU time of the process", "seed": SEED}
    results = {"machine": machine(), "load": [before, load()], "settings": settings, "spaces": spaces}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    replace_text(given.out, json.dumps(results, indent=2) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
