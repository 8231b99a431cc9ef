"""The outcome of a comparison: its record, its page, its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import Any

from tanglec.cli.files import write_all
from tanglec.cli.jobs import Job
from tanglec.cli.run_folder import read_record
from tanglec.cli.tables import decimal, memory, table
from tanglec.comparison import Method, Outcome, Row, read_outcome, rows


def outcome(job: Job, train: str | None) -> Outcome:
    """What a run found, and how that is after training, if it was trained."""
    trained = None if train is None else job.training(train)
    folder = trained.folder if trained is not None and trained.complete else None
    return read_outcome(job.folder, job.seed, job.parent, folder)


def record(
    folder: Path,
    space: str,
    recipe: str | None,
    methods: Sequence[Method],
    jobs: Sequence[Job],
    train: str | None,
) -> dict[str, Any]:
    """All figures, written to DIR/compare.json, and the page of it."""
    found = {m.text: [asdict(outcome(job, train)) for job in jobs if job.method == m] for m in methods}
    some = jobs[0].folder
    result, config = read_record(some, "result.json"), read_record(some, "config.json")
    figures = {
        "space": space,
        "recipe": recipe,
        **{name: result[name] for name in ("metric", "higher", "held_out")},
        **{name: config[name] for name in ("data", "versions", "device", "threads")},
        "methods": {name: outcomes for name, outcomes in found.items() if outcomes},
    }
    pages = {folder / "compare.html": page} if (page := _page(figures)) else {}
    write_all({folder / "compare.json": dumps(figures, indent=1) + "\n", **pages})
    return figures


def _page(record: Mapping[str, Any]) -> str | None:
    """The page of the comparison; None where plotly is not installed."""
    from tanglec.report import MissingPlotly, comparison_page

    try:
        return comparison_page(record)
    except MissingPlotly:
        return None


def show(figures: Mapping[str, Any], folder: Path) -> None:
    """The table that papers print: mean and deviation over seeds."""
    lines = rows({name: [Outcome(**o) for o in given] for name, given in figures["methods"].items()})
    trained = any(row.trained is not None for row in lines)
    columns = {"method": [row.method for row in lines], "runs": [str(row.runs) for row in lines]}
    columns[figures["metric"]] = [_spread(row.metric, row.deviation) for row in lines]
    if trained:
        columns["trained"] = [_spread(row.trained, row.trained_deviation) for row in lines]
    columns |= _costs(lines)
    better = "higher" if figures["higher"] else "lower"
    print(
        f"\n{figures['space']}, {figures['metric']} on the held-out part with inherited weights ({better} is"
        " better), mean and deviation over seeds\n"
    )
    print("\n".join(table([list(columns), *zip(*columns.values(), strict=True)])))
    print(f"\n  all figures: {(folder / 'compare.json').as_posix()}")
    if (folder / "compare.html").is_file():
        print(f"  curves: {(folder / 'compare.html').as_posix()}")
    else:
        print("  curves: pip install 'tanglec[report]', and the same command again")


def _costs(lines: Sequence[Row]) -> dict[str, list[str]]:
    return {
        "random": [_spread(row.random, None) for row in lines],
        "time": [f"{row.seconds:.0f} s" for row in lines],
        "memory": ["" if row.memory is None else memory(round(row.memory)) for row in lines],
        "parameters": [decimal(round(row.params)) for row in lines],
    }


def _spread(value: float | None, deviation: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" + ("" if deviation is None else f" ± {deviation:.2g}")
