"""Architectures beside each other: what was found against random ones, the search over time, the front."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from tanglec.report.costs import KINDS, MOST
from tanglec.report.plot import FOUND, LABELS, OTHERS, Figure, Panel, Trace, faint, panels
from tanglec.report.record import RANDOM, Record, Run, number, running_best, series


def random_figure(run: Run) -> Iterator[Figure]:
    """Random architectures on the held-out part, and the one found among them."""
    values = _random(run)
    if not values:
        return
    outcome, better = run.outcome, "more is better" if run.higher else "less is better"
    marks = [] if outcome is None else [_mark("found", outcome.found, FOUND, "diamond", 16)]
    if outcome is not None and outcome.mixture is not None:
        marks.append(_mark("the mixture itself", outcome.mixture, LABELS[4], "star", 15))
    best = (max if run.higher else min)(values)
    said = f"{len(values)} random architectures have a mean {run.metric} of {fmean(values):.4g}, the best {best:.4g}"
    verdict = (
        "" if outcome is None else f" The one found has {outcome.found:.4g}; {_beaten(outcome.beaten_by)}."
    )
    part = Panel("", [_strip(values), *marks], {"title": {"text": f"{run.metric} ({better})"}}, _HIDDEN)
    yield Figure(
        "random",
        "Comparison with random architectures",
        f"All on the held-out part, with weights inherited from the supernet.{verdict}",
        f"{said}.{verdict}",
        panels([part], 1, row=170, hovermode="closest"),
    )


_HIDDEN = {"visible": False, "range": [-1, 1], "fixedrange": True}


def _random(run: Run) -> list[float]:
    if run.outcome is not None:
        return [value for value in run.outcome.random if number(value)]
    return [line[run.metric] for line in run.ranked.get(RANDOM, ()) if number(line.get(run.metric))]


def _beaten(count: int) -> str:
    return {0: "no random one is better", 1: "1 random one is better"}.get(
        count, f"{count} random ones are better"
    )


def _strip(values: Sequence[float]) -> Trace:
    box = {
        "type": "box",
        "boxpoints": "all",
        "jitter": 0.6,
        "pointpos": 0,
        "orientation": "h",
        "y0": 0,
        "width": 1.1,
    }
    look = {"marker": {"color": OTHERS, "size": 8, "opacity": 0.75}, "line": {"color": OTHERS, "width": 1.5}}
    return {
        **box,
        **look,
        "name": "random architectures",
        "x": list(values),
        "fillcolor": faint(OTHERS, 0.12),
    }


def _mark(name: str, value: float, colour: str, symbol: str, size: int) -> Trace:
    look = {"marker": {"color": colour, "symbol": symbol, "size": size}}
    return {"type": "scatter", "mode": "markers", "name": name, "x": [value], "y": [0], **look}


def ranking_figures(run: Run) -> Iterator[Figure]:
    """For every search over architectures: the best so far, and metric against cost."""
    for kind, lines in run.ranked.items():
        if kind != RANDOM:
            yield from _any_time(kind, lines, run)
            yield from _front(kind, lines, run)


def _any_time(kind: str, lines: Sequence[Record], run: Run) -> Iterator[Figure]:
    numbered = [{"i": i + 1, "y": line.get(run.metric)} for i, line in enumerate(lines)]
    x, y = series(numbered, "i", "y")
    if not y:
        return
    best = running_best(y, run.higher)
    points: Trace = {"type": "scatter", "mode": "markers", "name": "evaluated", "x": x, "y": y}
    points |= {"marker": {"color": OTHERS, "size": 6, "opacity": 0.6}}
    steps: Trace = {"type": "scatter", "mode": "lines", "name": "best so far", "x": x, "y": best}
    steps |= {"line": {"color": FOUND, "width": 2.5, "shape": "hv"}}
    part = Panel(
        "", [points, steps], {"title": {"text": "architectures evaluated"}}, {"title": {"text": run.metric}}
    )
    yield Figure(
        f"search-{_id(kind)}",
        f"Search: {kind}",
        "Every architecture in the order in which it was evaluated, on the validation part, with inherited weights.",
        f"{len(y)} architectures were evaluated by {kind}; the best {run.metric} is {best[-1]:.4g}.",
        panels([part], 1, row=240, hovermode="closest"),
    )


def _front(kind: str, lines: Sequence[Record], run: Run) -> Iterator[Figure]:
    evaluated = [
        (line, c) for line in lines[:MOST] if number(line.get(run.metric)) and (c := run.cost_of(line))
    ]
    if not evaluated:
        return
    points = [{run.metric: line[run.metric], "params": c.params, "macs": c.macs} for line, c in evaluated]
    front = [] if run.outcome is None else list(run.outcome.front)
    front = front or unbeaten(points, run.metric, run.higher)
    parts = [_plane(cost, points, front, run, cost == "params") for cost in KINDS]
    limited = f" Of {len(lines):,} architectures the first {MOST} are shown." if len(lines) > MOST else ""
    yield Figure(
        f"front-{_id(kind)}",
        f"{run.metric.capitalize()} against cost",
        f"On the front are those that no other beats in {run.metric}, parameters and multiply-adds together;"
        f" seen from one cost alone they may lie behind others.{limited}",
        f"{len(points)} architectures, {len(front)} of them on the front of {run.metric}, parameters and multiply-adds.",
        panels(parts, 2, row=270, hovermode="closest"),
    )


def unbeaten(points: Sequence[Mapping[str, float]], metric: str, higher: bool) -> list[Mapping[str, float]]:
    """The points that no other beats: none is as good in metric and both costs, and better in one."""

    def goals(point: Mapping[str, float]) -> tuple[float, float, float]:
        return (-point[metric] if higher else point[metric]), point["params"], point["macs"]

    every = [goals(p) for p in points]
    return [
        p
        for p, mine in zip(points, every, strict=True)
        if not any(other != mine and all(a <= b for a, b in zip(other, mine, strict=True)) for other in every)
    ]


def _plane(cost: str, points: Sequence[Record], front: Sequence[Record], run: Run, first: bool) -> Panel:
    x, y = series(points, cost, run.metric)
    a, b = series(sorted(front, key=lambda p: p.get(cost, 0)), cost, run.metric)
    dots: Trace = {"type": "scatter", "mode": "markers", "name": "evaluated", "x": x, "y": y}
    dots |= {"marker": {"color": OTHERS, "size": 7, "opacity": 0.5}}
    edge: Trace = {"type": "scatter", "mode": "markers", "name": "on the front", "x": a, "y": b}
    edge |= {"marker": {"color": FOUND, "size": 10, "symbol": "diamond"}}
    shown = [{**trace, "showlegend": first} for trace in (dots, edge)]
    title = {"title": {"text": run.metric}} if first else {}
    return Panel("", shown, {"title": {"text": KINDS[cost]}, "tickformat": "~s"}, title)


def _id(kind: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in kind.lower())
