"""What mixing costs: whole steps of a search over steps of the plain largest model, as ratios.

    python -m benchmarks.mixing [--only CASE ...] [--rounds 15] [--out benchmarks/results/mixing.json]

Every round runs all steps of a row once, in an order drawn anew; ratios are taken within rounds. CPU only, one thread.
With `--only` the other cases stay as they are in the file, unless another machine or other versions measured them.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import keep_memory, load, machine
from benchmarks.mixing_cases import CASES
from benchmarks.mixing_table import tables
from tanglert.train.atomic import replace_text

RESULTS = Path("benchmarks/results/mixing.json")


def measure(case: str, rounds: int) -> dict[str, Any]:
    """All rows of a case, with what the machine had to do before and after."""
    before, rows = load(), {}
    for row in CASES[case]():
        print(f"  {row.name} …", file=sys.stderr)
        rows[row.name] = row.measured(rounds)
        for name, figures in rows[row.name].items():
            print(f"    {name}: {figures}", file=sys.stderr)
    return {"rounds": rounds, "load": [before, load()], "rows": rows}


def settle() -> None:
    """One thread; and what would tell more about random data and tiny cases than about mixing is taken away.

    A network that learns one random batch by heart gets denormal numbers and slows down twofold by them: they are zeros here.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    keep_memory()


def kept(out: Path) -> dict[str, Any]:
    """The cases that are in a file of this machine and these versions."""
    results = json.loads(out.read_text()) if out.exists() else {}
    return results["cases"] if results.get("machine") == machine() else {}


def main() -> None:
    """Measures case by case, writes each when it is done, and shows the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only",
        nargs="+",
        choices=CASES,
        default=list(CASES),
        metavar="CASE",
        help=f"some of {', '.join(CASES)}",
    )
    parser.add_argument("--rounds", type=int, default=15, help="of timing, two at least (15)")
    parser.add_argument("--out", type=Path, default=RESULTS, help=f"where results go ({RESULTS})")
    given = parser.parse_args()
    if given.rounds < 2:
        parser.error("--rounds must be 2 at least: quartiles need two rounds")
    settle()
    cases = kept(given.out)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    for case in given.only:
        print(f"{case} …", file=sys.stderr)
        cases[case] = measure(case, given.rounds)
        results = {"machine": machine(), "cases": {name: cases[name] for name in CASES if name in cases}}
        replace_text(given.out, json.dumps(results, indent=2) + "\n")
    print(tables(results))


if __name__ == "__main__":
    main()
