"""The results of `benchmarks.planted` as a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from statistics import mean
from typing import Any


def truth(results: dict[str, Any]) -> dict[str, float]:
    """Mean accuracy of every architecture trained by itself, the best first."""
    means = {key: mean(values) for key, values in results["truth"].items()}
    return dict(sorted(means.items(), key=lambda item: -item[1]))


def found(results: dict[str, Any], method: str) -> list[tuple[int, float]]:
    """Rank, from 1, and regret of what a method found, for each seed."""
    known = truth(results)
    ranks, best = {key: rank for rank, key in enumerate(known, 1)}, max(known.values())
    keys = [json.dumps(run["architecture"]) for run in results["runs"][method]]
    return [(ranks[key], best - known[key]) for key in keys]


def table(results: dict[str, Any]) -> str:
    """A row for each method, and one for chance."""
    known = list(truth(results).values())
    rows = [
        f"| method | rank of {len(known)}: mean | its worst | regret: mean | its worst | inherited | mixture |"
        " seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method, runs in results["runs"].items():
        ranks, regrets = zip(*found(results, method), strict=True)
        cells = [f"{mean(ranks):.1f}", str(max(ranks)), f"{mean(regrets):.3f}", f"{max(regrets):.3f}"]
        cells += [average([run[what] for run in runs], digits) for what, digits in COLUMNS]
        rows.append(f"| {method} | {' | '.join(cells)} |")
    regret = max(known) - mean(known)
    rows.append(
        f"| one at random | {(len(known) + 1) / 2:.1f} | {len(known)} | {regret:.3f} |"
        f" {max(known) - min(known):.3f} | | | |"
    )
    return "\n".join(rows)


COLUMNS = (("inherited", 3), ("mixture", 3), ("cpu_seconds", 1))


def average(values: Sequence[float | None], digits: int) -> str:
    """The mean of what is there; empty without any."""
    there = [value for value in values if value is not None]
    return f"{mean(there):.{digits}f}" if there else ""
