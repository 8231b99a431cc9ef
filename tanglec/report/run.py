"""The page of one run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tanglec.ir.extents import show_scalar
from tanglec.passes.count import Count, count
from tanglec.report.cells import graphs
from tanglec.report.choices import choices
from tanglec.report.costs import cost_figure, ranges
from tanglec.report.curves import curves
from tanglec.report.network import Drawing, network
from tanglec.report.page import render
from tanglec.report.plot import Figure
from tanglec.report.rankings import random_figure, ranking_figures
from tanglec.report.record import Run, number


def run_page(run: Run) -> str:
    """A run as one HTML text: complete or still going on, whatever its method.

    Raises:
        BrokenRecord: its result is none.
        CompileError: its architecture is none of its space.
        MissingPlotly: plotly is not installed.
    """
    sections = [(title, list(figures)) for title, figures in _sections(run)]
    fields = {
        "run": run,
        "title": f"{run.space.name}, {run.options.get('optimizer', 'search')}",
        "state": _state(run),
        "facts": _facts(run),
        "architecture": None if run.architecture is None else json.dumps(run.architecture),
        "sections": [(title, figures) for title, figures in sections if figures],
        "tables": _tables(run),
    }
    return render("run.html.j2", fields)


def _sections(run: Run) -> Iterator[tuple[str, Iterator[Figure]]]:
    yield "Outcome", random_figure(run)
    yield "Architecture", _drawings(run)
    yield "Cost", cost_figure(run, ranges(run.space))
    yield "Search", ranking_figures(run)
    yield "Training", curves(run)
    yield "Choices over time", choices(run)


def _drawings(run: Run) -> Iterator[Figure]:
    if run.assignment is None:
        return
    drawn = network(run.space, run.assignment)
    yield Figure(
        "network",
        "The network, from input to output",
        "What is filled is the width of this architecture, the outline the largest of the space (on a square-root scale)."
        " Bars of choices are shares of the largest. Costs of a block count its weights where they are first used.",
        _spoken(drawn),
        drawn,
        "network",
    )
    for i, graph in enumerate(graphs(run.space, run.assignment)):
        times = f", {graph.times} times" if graph.times > 1 else ""
        left = f" {_left_out(graph.left_out)}" if graph.left_out else ""
        names = [node.name or node.does for node in graph.nodes]
        edges = [
            f"{names[a]} to {names[b]}{f' by {text}' if text else ''}" for (a, b), text in graph.texts.items()
        ]
        yield Figure(
            f"cell-{i}",
            f"Block {graph.name}{times}",
            f"Each line goes from a tensor to one that it enters; on it stands what is done to it on the way.{left}",
            f"Graph of {len(names)} nodes. {'; '.join(edges)}.",
            graph,
            "cell",
        )


def _left_out(edges: int) -> str:
    one = "1 edge that carries zeros or is not kept is left out."
    return one if edges == 1 else f"{edges} edges that carry zeros or are not kept are left out."


def _spoken(drawn: Drawing) -> str:
    rows = [f"{row.name} ({row.type})" for row in drawn.rows if row.kind in ("block", "operation")]
    absent = sum(row.kind == "absent" for row in drawn.rows)
    return f"{len(rows)} steps: {', '.join(rows)}." + (f" {absent} more are absent." if absent else "")


def _state(run: Run) -> str:
    if run.outcome is not None:
        return "complete"
    total = run.options.get("epochs")
    of = f" of {total}" if number(total) else ""
    trained = f"{len(run.epochs)}{of} epochs trained"
    ranked = sum(map(len, run.ranked.values()))
    return f"incomplete: {trained}" + (f", {ranked} architectures evaluated" if ranked else "")


def _facts(run: Run) -> list[tuple[str, str, str]]:
    """The figures at the top: what, how much, and a word on it."""
    facts: list[tuple[str, str, str]] = []
    outcome = run.outcome
    if outcome is not None:
        facts.append((f"{outcome.metric}, found", f"{outcome.found:.4g}", f"{outcome.held_out:,} held out"))
        if outcome.random:
            best = (max if outcome.higher else min)(outcome.random)
            mean = sum(outcome.random) / len(outcome.random)
            facts.append(
                (
                    f"{outcome.metric}, random",
                    f"{mean:.4g}",
                    f"mean of {len(outcome.random)}; best {best:.4g}",
                )
            )
    if run.costs is not None:
        facts.append(("parameters", f"{run.costs.params:,}", f"{run.costs.macs:,} multiply-adds"))
    seconds = (
        outcome.seconds if outcome is not None else run.epochs[-1].get("seconds") if run.epochs else None
    )
    if isinstance(seconds, int | float) and number(seconds):
        facts.append(("time of work", duration(seconds), f"epochs: {len(run.epochs)}"))
    facts.append(("architectures", _large(count(run.space)), _dimensions(run)))
    return facts


def _dimensions(run: Run) -> str:
    return f"dimensions: {len(run.space.dimensions)}, positions: {len(run.space.positions)}"


def _large(count: Count) -> str:
    """All digits up to a million."""
    digits = f"{count.number:,}" if count.number < 10**6 else scientific(count.number)
    return digits if count.exact else f"about {digits}"


def scientific(number: int) -> str:
    """Such as 2.14e+17, of whole numbers of any size."""
    digits = str(number)
    return f"{digits[0]}.{digits[1:3]}e+{len(digits) - 1}"


def duration(seconds: float) -> str:
    """Such as 8.1 s, 12:05 min, 3:10:00 h."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes}:{rest:02d} min" if minutes < 100 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d} h"
    )


def _tables(run: Run) -> list[tuple[str, list[tuple[str, str]]]]:
    """Options as they were resolved, and what the run ran on."""
    config = dict(run.config)
    options, versions = config.pop("options", {}), config.pop("versions", {})
    params = {name: show_scalar(value) for name, value in run.space.params.items()}
    tables = [
        ("Options", options),
        ("Versions", versions),
        ("Params of the space", params),
        ("Data and machine", config),
    ]
    return [(title, _rows(given)) for title, given in tables if isinstance(given, dict) and given]


def _rows(given: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Names and values; what is inside others gets a name with a dot."""
    rows: list[tuple[str, str]] = []
    for name, value in given.items():
        if isinstance(value, dict) and value:
            rows += _rows(value, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value)))
    return rows
