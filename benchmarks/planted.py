"""A planted optimum: does every optimiser, and every search after one-shot training, find it?

    python -m benchmarks.planted [--seeds 5] [--out benchmarks/results/planted.json]

Every architecture of `planted.tsp` is trained by itself, which is the truth; then every method searches, and what it found is
looked up there. What the file of results holds already is not done again. CPU only, one thread, ten minutes of it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import machine
from benchmarks.planted_problem import architectures, problem
from benchmarks.planted_table import table
from tanglert.arch import ArchBase
from tanglert.data import Data
from tanglert.protocols import SpaceModule
from tanglert.sample.spos import UniformSampler
from tanglert.train import Options
from tanglert.train.assembly import Search
from tanglert.train.atomic import replace_text
from tanglert.train.oneshot import OneShot

RESULTS = Path("benchmarks/results/planted.json")
TRUTH_SEEDS = 2
WEIGHTS: dict[str, Any] = {"batch_size": 64, "lr": 3e-2, "device": "cpu", "random": 0}
ALONE = {**WEIGHTS, "epochs": 6}
GRADIENTS = {**WEIGHTS, "epochs": 13, "arch_lr": 3e-2}  # 403 steps on half of the data
ONE_SHOT = {**WEIGHTS, "epochs": 8, "evaluations": 40}  # 400 steps on four fifths of it

STAGES = ({"epochs": 7, "warmup_epochs": 2}, {"epochs": 6, "keep": 2})

METHODS: dict[str, dict[str, Any]] = {
    "darts": {**GRADIENTS, "optimizer": "darts"},
    "darts, second order": {**GRADIENTS, "optimizer": "darts", "order": 2},
    "darts, sparsemax": {**GRADIENTS, "optimizer": "darts", "normalise": "sparsemax"},
    "gdas": {**GRADIENTS, "optimizer": "gdas"},
    "drnas, L2": {**GRADIENTS, "optimizer": "drnas"},
    "drnas, KL": {**GRADIENTS, "optimizer": "drnas", "regulariser": "kl"},
    "drnas, in stages": {**GRADIENTS, "optimizer": "drnas", "stages": STAGES},
    **{
        f"{sampler} + {strategy}": {**ONE_SHOT, "optimizer": sampler, "strategy": strategy}
        for sampler in ("spos", "fairnas", "random-a", "sandwich", "shrinking")
        for strategy in ("random", "evolution", "nsga2")
    },
}


class One(UniformSampler[ArchBase]):
    """One-shot training of one architecture, which is training it by itself."""

    def __init__(self, arch: ArchBase) -> None:
        super().__init__()
        self.one = arch

    def __call__(self) -> ArchBase:
        return self.one


def trained_alone(module: SpaceModule, data: Data, arch: ArchBase, seed: int) -> float:
    """Held-out accuracy of an architecture that is trained by itself."""
    search = Search(module, data, Options(optimizer="spos", seed=seed, **ALONE))
    assert isinstance(search.engine, OneShot)
    search.engine.sampler = One(arch)
    train(search)
    return search.on_test(arch)["accuracy"]


def searched(module: SpaceModule, data: Data, method: str, seed: int) -> dict[str, Any]:
    """What a search found: the architecture, its accuracy with inherited weights, that of the mixture."""
    start = time.process_time()
    search = Search(module, data, Options(seed=seed, **METHODS[method]))
    train(search)
    while not (search.options.by_gradients or search.ranking.done):
        search.ranking.advance()
    result = search.result(0.0)
    return {
        "architecture": result.architecture,
        "inherited": result.test["accuracy"],
        "mixture": None if result.mixture is None else result.mixture["accuracy"],
        "cpu_seconds": round(time.process_time() - start, 2),
    }


def train(search: Search) -> None:
    """To the end of its epochs, in all stages."""
    while not search.engine.done or search.next_stage():
        search.engine.advance()


def main() -> None:
    """Whatever is missing in the results; the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="of every search (5)")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"where results go ({RESULTS})")
    given = parser.parse_args()
    torch.set_num_threads(1)
    results = read(given.out)
    complete(results, given.seeds, given.out)
    print(table(results))


def read(path: Path) -> dict[str, Any]:
    """The results so far. ValueError if they were made with other settings."""
    settings = {"alone": ALONE, "gradients": GRADIENTS, "one_shot": ONE_SHOT, "threads": 1}
    if not path.exists():
        return {"machine": machine(), "settings": settings, "truth": {}, "runs": {}}
    results: dict[str, Any] = json.loads(path.read_text())
    if results["settings"] != settings:
        raise ValueError(f"{path} was made with other settings: remove it, or give another --out")
    return results


def complete(results: dict[str, Any], seeds: int, path: Path) -> None:
    """Trains and searches what is not there, saving after each."""
    module, data = problem()
    for seed, arch in itertools.product(range(TRUTH_SEEDS), architectures(module)):
        accuracies = results["truth"].setdefault(arch.to_json(), [])
        if len(accuracies) <= seed:
            accuracies.append(trained_alone(module, data, arch, seed))
            save(results, path, f"{arch} by itself, seed {seed}")
    for method in METHODS:
        runs = results["runs"].setdefault(method, [])
        for seed in range(len(runs), seeds):
            runs.append(searched(module, data, method, seed))
            save(results, path, f"{method}, seed {seed}")


def save(results: dict[str, Any], path: Path, what: str) -> None:
    """The results so far, under their name at once."""
    print(what, file=sys.stderr)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
