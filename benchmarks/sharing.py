"""Weight entanglement against plain weight sharing: time and memory of a search step, as ratios.

    python -m benchmarks.sharing [--spaces toy_cell nb201 darts] [--rounds 15] [--out benchmarks/results/sharing.json]

The same space is compiled with `sharing="entangled"` and with `sharing="separate"`, where every arm of a `choose` has weights of
its own. CPU only, one thread.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import load, machine
from benchmarks.memory import peak_bytes, saved_bytes
from benchmarks.step import LEARNING_RATE, MOMENTUM, SEED, SHARINGS, BilevelStep
from benchmarks.timing import compare
from tanglert.train.atomic import replace_text

BATCHES = {"toy_cell": 32, "nb201": 16, "darts": 8}  # so that all three take less than ten minutes
RESULTS = Path("benchmarks/results/sharing.json")
PAPER = {"nb201": 1 - 0.25276, "darts": 1 - 0.35545}
"""GPU memory of TangleNAS over DrNAS with plain weight sharing, as Sukthanker et al. 2024 report it in their text."""

MEASURES = ("parameters", "saved_bytes", "peak_bytes", "step_seconds")


def measure(space: str, batch: int, rounds: int) -> dict[str, Any]:
    """All measures of one space: of each sharing, and entangled over separate."""
    steps = [BilevelStep(space, sharing, batch) for sharing in SHARINGS]
    time = compare(steps[0].run, steps[1].run, rounds)
    figures = [
        {
            "parameters": step.parameters,
            "saved_bytes": saved_bytes(step),
            "peak_bytes": peak_bytes("benchmarks.memory", space, sharing, str(batch)),
            "step_seconds": round(seconds, 4),
        }
        for step, sharing, seconds in zip(steps, SHARINGS, time.seconds, strict=True)
    ]
    exact = {name: figures[0][name] / figures[1][name] for name in MEASURES[:-1]}
    return {
        "input": list(steps[0].images.shape),
        **dict(zip(SHARINGS, figures, strict=True)),
        "ratios": rounded({**exact, "step_seconds": time.ratio}),
        "step_seconds_quartiles": [round(q, 3) for q in time.quartiles],
    }


def rounded(ratios: dict[str, float]) -> dict[str, float]:
    return {name: round(ratio, 3) for name, ratio in ratios.items()}


def table(results: dict[str, Any]) -> str:
    """The ratios as Markdown, a row for each space."""
    rows = [
        "| space | input | parameters | saved for backward | peak memory | paper: GPU memory | time of a step | its quartiles |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, space in results["spaces"].items():
        size = " × ".join(str(n) for n in space["input"])
        *memory, time = (f"{space['ratios'][measure]:.2f}" for measure in MEASURES)
        paper = f"{PAPER[name]:.2f}" if name in PAPER else ""
        low, high = space["step_seconds_quartiles"]
        rows.append(f"| `{name}` | {size} | {' | '.join([*memory, paper, time])} | {low:.2f} to {high:.2f} |")
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
    settings = {
        "threads": 1,
        "rounds": given.rounds,
        "clock": "CPU time of the process",
        "seed": SEED,
        "sgd": {"lr": LEARNING_RATE, "momentum": MOMENTUM},
    }
    results = {"machine": machine(), "load": [before, load()], "settings": settings, "spaces": spaces}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    replace_text(given.out, json.dumps(results, indent=2) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
