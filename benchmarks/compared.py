"""Methods on the small spaces: `tanglec compare` as a table, from `benchmarks/results/compare_SPACE.json`.

tanglec compare SPACE --recipe small --methods … --seeds 0,1,2 --out runs/SPACE-compare
cp runs/SPACE-compare/compare.json benchmarks/results/compare_SPACE.json
"""

from __future__ import annotations

import json
from pathlib import Path

from tanglec.comparison import Outcome, Row, rows

RESULTS = Path("benchmarks/results")


def tables() -> str:
    """A table for each space that was compared."""
    return "\n\n".join(map(table, sorted(RESULTS.glob("compare_*.json"))))


def table(file: Path) -> str:
    """A row for each method: means and deviations over seeds."""
    record = json.loads(file.read_text())
    methods = {name: [Outcome(**o) for o in given] for name, given in record["methods"].items()}
    better = "higher" if record["higher"] else "lower"
    head = [
        "method",
        "seeds",
        record["metric"],
        "mixture",
        "random: mean",
        "random: best",
        "time",
        "memory",
        "parameters",
    ]
    lines = [
        f"`{record['space']}`, {record['metric']} on {record['held_out']:,} held-out samples ({better} is better)",
        "",
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
        *(f"| {' | '.join(cells(row, methods[row.method]))} |" for row in rows(methods)),
    ]
    return "\n".join(lines)


def cells(row: Row, outcomes: list[Outcome]) -> list[str]:
    """The row of a method."""
    deviation = "" if row.deviation is None else f" ± {row.deviation:.2g}"
    memory = "" if row.memory is None else f"{row.memory / 2**20:.0f} MiB"
    return [
        row.method,
        str(row.runs),
        f"{row.metric:.4g}{deviation}",
        average([o.mixture for o in outcomes]),
        average([o.random_mean for o in outcomes]),
        average([o.random_best for o in outcomes]),
        f"{row.seconds:.0f} s",
        memory,
        f"{row.params:,.0f}",
    ]


def average(values: list[float | None]) -> str:
    """The mean of what is there; empty without any."""
    there = [value for value in values if value is not None]
    return f"{sum(there) / len(there):.4g}" if there else ""
