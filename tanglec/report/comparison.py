"""The page of a comparison: methods on one space, each over several seeds (TangleNAS, tables 3 to 9)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from tanglec.report.page import render
from tanglec.report.plot import LABELS, Figure, Panel, Trace, faint, panels
from tanglec.report.record import BrokenRecord, Record, number
from tanglec.report.run import duration

MIB = 2**20
COLUMNS = {  # a heading, how a mean is written, and a deviation; METRIC is the metric's name
    "metric": ("METRIC", "{:.4g}", "{:.2g}"),
    "trained": ("trained", "{:.4g}", "{:.2g}"),
    "random_mean": ("random", "{:.4g}", "{:.2g}"),
    "memory": ("memory (MiB)", "{:,.0f}", "{:,.0f}"),
    "params": ("parameters", "{:,.0f}", "{:,.0f}"),
    "macs": ("multiply-adds", "{:,.0f}", "{:,.0f}"),
}


@dataclass(frozen=True)
class Method:
    """A method with a record for every seed."""

    name: str
    colour: str
    seeds: Sequence[Record]

    def values(self, key: str) -> list[float]:
        """What the seeds have under a key, as far as they do; memory in MiB."""
        unit = MIB if key == "memory" else 1
        return [seed[key] / unit for seed in self.seeds if number(seed.get(key))]

    def curves(self) -> list[list[tuple[float, float]]]:
        """For every seed that has one, (seconds, metric), in order."""
        found = [
            sorted(
                (float(t), float(value))
                for t, value in seed.get("curve") or ()
                if number(t) and number(value)
            )
            for seed in self.seeds
        ]
        return [curve for curve in found if curve]


def comparison_page(comparison: Mapping[str, Any], title: str = "Comparison of methods") -> str:
    """A table and any-time curves of methods over seeds, as one HTML text.

    Args:
        comparison: `{"methods": {name: [seed, …]}}`, a seed being `{"seed", "metric", "seconds", "memory", "params", "macs",
            "curve": [[seconds, metric], …]}`, `memory` in bytes; `trained`, the metric after training, and `random_mean`,
            that of random architectures, are shown where they are. May name the `metric` (default "accuracy"), whether
            `higher` is better (default: of accuracy), and the `space`. What a seed lacks is left out.
        title: of the page.

    Raises:
        BrokenRecord: it is not of this form.
        MissingPlotly: plotly is not installed.
    """
    try:
        methods = _methods(comparison["methods"])
        metric = str(comparison.get("metric", "accuracy"))
        figures = [*_any_time(methods, metric), *_strips(methods, metric)]
        headings, rows = _table(methods, metric)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BrokenRecord(f"this is no comparison of methods ({error!r})") from error
    higher = bool(comparison.get("higher", metric == "accuracy"))
    fields = {
        "title": title,
        "space": comparison.get("space"),
        "metric": metric,
        "higher": higher,
        "best": _best(methods, higher),
        "headings": headings,
        "rows": rows,
        "sections": [("Methods", figures)] if figures else [],
    }
    return render("comparison.html.j2", fields)


def _methods(given: Mapping[str, Sequence[Record]]) -> list[Method]:
    colours = [LABELS[i % len(LABELS)] for i in range(len(given))]
    return [
        Method(name, colour, list(seeds))
        for (name, seeds), colour in zip(given.items(), colours, strict=True)
    ]


def _best(methods: Sequence[Method], higher: bool) -> str | None:
    """The method with the best mean."""
    means = {m.name: fmean(m.values("metric")) for m in methods if m.values("metric")}
    return (max if higher else min)(means, key=means.__getitem__) if means else None


def _table(methods: Sequence[Method], metric: str) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Headings, and a name and cells for every method; columns that nobody has anything for are left out."""
    known = {key: column for key, column in COLUMNS.items() if any(method.values(key) for method in methods)}
    headings = [heading.replace("METRIC", metric) for heading, *_ in known.values()]
    rows = []
    for method in methods:
        cells = [_mean(method.values(key), form, spread) for key, (_, form, spread) in known.items()]
        rows.append((method.name, [str(len(method.seeds)), _time(method.values("seconds")), *cells]))
    return ["seeds", "time of search", *headings], rows


def _mean(values: Sequence[float], form: str, deviation: str) -> str:
    """Mean and standard deviation (of the sample)."""
    if not values:
        return "–"
    spread = f" ± {deviation.format(stdev(values))}" if len(values) > 1 and len(set(values)) > 1 else ""
    return form.format(fmean(values)) + spread


def _time(seconds: Sequence[float]) -> str:
    return duration(fmean(seconds)) if seconds else "–"


def _any_time(methods: Sequence[Method], metric: str) -> Iterator[Figure]:
    drawn = [(m, m.curves()) for m in methods if m.curves()]
    if not drawn:
        return
    traces = [trace for method, curves in drawn for trace in _band(method, curves)]
    part = Panel(
        "",
        traces,
        {"title": {"text": "seconds"}, "rangemode": "tozero"},
        {"title": {"text": f"validation {metric}"}},
    )
    ends = [f"{m.name} {fmean(curve[-1][1] for curve in curves):.4g}" for m, curves in drawn]
    yield Figure(
        "any-time",
        "What the search would have given, over time",
        "The metric on the validation part of the architecture that a search stopped then would have given. Lines are means"
        " over the seeds, bands reach from the worst to the best seed; a line begins where every seed has a"
        " first architecture.",
        f"Validation {metric} over time, at the end: {', '.join(ends)}.",
        panels([part], 1, row=340, hovermode="closest"),
    )


def _band(method: Method, curves: Sequence[Sequence[tuple[float, float]]]) -> Iterator[Trace]:
    """Curves are steps: between two points the earlier holds."""
    begin = max(curve[0][0] for curve in curves)
    times = sorted({begin, *(t for curve in curves for t, _ in curve if t >= begin)})
    columns = [[curve[bisect_right(curve, t, key=lambda p: p[0]) - 1][1] for curve in curves] for t in times]
    steps = {"type": "scatter", "mode": "lines", "x": times, "legendgroup": method.name}
    if len(curves) > 1:
        edge = {**steps, "line": {"width": 0, "shape": "hv", "color": method.colour}, "hoverinfo": "skip"}
        yield {**edge, "y": list(map(min, columns)), "showlegend": False}
        fill = {"fill": "tonexty", "fillcolor": faint(method.colour, 0.18)}
        yield {**edge, "y": list(map(max, columns)), "showlegend": False, **fill}
    line = {"color": method.colour, "width": 2.5, "shape": "hv"}
    yield {**steps, "y": list(map(fmean, columns)), "name": method.name, "line": line}


def _strips(methods: Sequence[Method], metric: str) -> Iterator[Figure]:
    drawn = [m for m in methods if m.values("metric")]
    if not drawn:
        return
    traces = [
        {
            "type": "box",
            "name": m.name,
            "y": m.values("metric"),
            "boxpoints": "all",
            "jitter": 0.5,
            "pointpos": 0,
        }
        | {
            "marker": {"color": m.colour, "size": 8},
            "line": {"width": 1.2},
            "fillcolor": faint(m.colour, 0.13),
        }
        for m in drawn
    ]
    means = [f"{m.name} {fmean(m.values('metric')):.4g}" for m in drawn]
    yield Figure(
        "seeds",
        "Every seed",
        "One point for every seed.",
        f"Mean {metric}: {', '.join(means)}.",
        panels([Panel("", traces, {}, {"title": {"text": metric}})], 1, row=300, showlegend=False),
    )
