"""What the architecture costs, in the range of its space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tanglec.ir.nodes import Space
from tanglec.passes.extremes import cost_range
from tanglec.report.plot import FOUND, OTHERS, Figure, Panel, Trace, panels
from tanglec.report.record import RANDOM, Run

KINDS = {"params": "parameters", "macs": "multiply-adds"}
MOST = 300  # architectures whose costs are worked out for a figure


def ranges(space: Space) -> dict[str, tuple[int, int]]:
    """The smallest and the largest cost of any architecture, by kind."""
    terms = {"params": space.parameters, "macs": space.multiply_adds}
    return {kind: cost_range(space, found) for kind, found in terms.items()}


def cost_figure(run: Run, extremes: dict[str, tuple[int, int]]) -> Iterator[Figure]:
    """The range of each cost with the architecture and random ones in it; none without an architecture."""
    if run.costs is None:
        return
    found = {"params": run.costs.params, "macs": run.costs.macs}
    random = [c for line in run.ranked.get(RANDOM, ())[:MOST] if (c := run.cost_of(line)) is not None]
    others = {"params": [c.params for c in random], "macs": [c.macs for c in random]}
    parts = [_panel(kind, extremes[kind], found[kind], others[kind], kind == "params") for kind in KINDS]
    said = [
        f"{name} {found[kind]:,} between {extremes[kind][0]:,} and {extremes[kind][1]:,}"
        for kind, name in KINDS.items()
    ]
    yield Figure(
        "costs",
        "Cost in the range of the space",
        "From the smallest to the largest architecture of the space (conditions on sums left aside), in closed form."
        " Multiply-adds are of one sample's forward pass.",
        f"The architecture has {'; '.join(said)}.",
        panels(parts, 2, row=120, hovermode="closest"),
    )


def _panel(kind: str, extent: tuple[int, int], found: int, others: Sequence[int], first: bool) -> Panel:
    low, high = extent
    room = (high - low) * 0.06 or high * 0.06 or 1
    bar: Trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [low, high],
        "y": [0, 0],
        "name": "the space",
    }
    bar |= {
        "line": {"width": 6, "color": "#8a8f98"},
        "marker": {"size": 12, "symbol": "line-ns-open"},
        "opacity": 0.55,
    }
    traces = [bar, *([_marks("random architectures", others, OTHERS, 9, 0.6)] if others else [])]
    traces.append(_marks("found", [found], FOUND, 17))
    shown = [{**trace, "showlegend": first, "hovertemplate": "%{x:,}"} for trace in traces]
    x = {"range": [low - room, high + room], "tickformat": "~s", "nticks": 6}
    return Panel(
        f"{KINDS[kind]}: {found:,}", shown, x, {"visible": False, "range": [-1, 1], "fixedrange": True}
    )


def _marks(name: str, x: Sequence[int], colour: str, size: int, opacity: float = 1) -> Trace:
    symbol = "diamond" if len(x) == 1 else "circle"
    look = {"size": size, "color": colour, "symbol": symbol, "opacity": opacity}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": list(x),
        "y": [0] * len(x),
        "marker": look,
    }
