"""Figures of a page: numbered, described, and either a plot or a drawing. Plots are data in plotly's form.

Colours of text, axes and grid are left out: the page's script takes them from its style, light or dark.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]
Trace = dict[str, Any]

LABELS = ("#3b82c4", "#e4683f", "#2fa36b", "#c39a1c", "#8e6bd0", "#d1578f", "#3fabbd", "#8a8f98")
_RAMP = ((0x8F, 0xD6, 0xC4), (0x3F, 0xA3, 0xBA), (0x2E, 0x72, 0xB2), (0x54, 0x49, 0xA0), (0x7A, 0x2C, 0x7E))
FOUND, OTHERS = "#e4683f", "#3b82c4"  # what the search gave, beside all else

GAP = 0.07  # between the columns of a figure, as a share of its width
# Pixels: a row of small panels, of which the space below the axes; what is above the first row and below the last.
ROW, BELOW, HEAD, FOOT = 175, 66, 36, 0
LEGEND, LINE = 900, 26  # how wide a legend can be, how high a line of it is


@dataclass(frozen=True)
class Figure:
    """A figure of the page. `alt` says what can be seen to whoever cannot; `content` is a plot's spec or what is drawn."""

    id: str
    title: str
    caption: str
    alt: str
    content: Any
    kind: str = "plot"  # or the name of a macro that draws it


@dataclass(frozen=True)
class Panel:
    """One pair of axes with its traces."""

    title: str
    traces: Sequence[Trace]
    x: Mapping[str, Any] = field(default_factory=dict)
    y: Mapping[str, Any] = field(default_factory=dict)


def ramp(count: int) -> list[str]:
    """Colours for so many sizes, from small to large."""
    return [_between((len(_RAMP) - 1) * i / max(count - 1, 1)) for i in range(count)]


def _between(place: float) -> str:
    low = min(int(place), len(_RAMP) - 2)
    parts = [round(a + (b - a) * (place - low)) for a, b in zip(_RAMP[low], _RAMP[low + 1], strict=True)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def line(name: str, x: Sequence[float], y: Sequence[float], colour: str, **more: Any) -> Trace:
    """A line with a point at every value; a lone value is a point."""
    look = {"mode": "lines+markers" if len(x) < 60 else "lines", "line": {"color": colour, "width": 2}}
    return {
        "type": "scatter",
        "name": name,
        "x": list(x),
        "y": list(y),
        "marker": {"size": 5},
        **look,
        **more,
    }


def epoch_axis(epochs: Sequence[float]) -> Spec:
    """An axis with ticks at whole epochs."""
    return {"dtick": 1} if len(epochs) <= 8 else {"tickformat": "d"}


def panels(parts: Sequence[Panel], columns: int, row: int = ROW, **layout: Any) -> Spec:
    """Panels side by side, in rows of so many; `row` is the height of one in pixels."""
    columns = min(columns, len(parts))
    rows = -(-len(parts) // columns)
    traces: list[Trace] = []
    axes: dict[str, Any] = {}
    for i, part in enumerate(parts):
        n = "" if i == 0 else str(i + 1)
        axes[f"xaxis{n}"] = {"domain": _columns(i % columns, columns), "anchor": f"y{n}", **part.x}
        axes[f"yaxis{n}"] = {"domain": _rows(i // columns, rows, row), "anchor": f"x{n}", **part.y}
        traces += [{**trace, "xaxis": f"x{n}", "yaxis": f"y{n}"} for trace in part.traces]
    titles = [_title(part.title, i) for i, part in enumerate(parts) if part.title]
    legend = {"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"}
    head = HEAD + LINE * (_lines(traces) if layout.get("showlegend", True) else 0)
    margin = {"l": 58, "r": 16, "t": head, "b": FOOT}
    shape = {"height": head + rows * row + FOOT, "margin": margin, "legend": legend}
    return {"data": traces, "layout": {**shape, "annotations": titles, **axes, **layout}}


def _lines(traces: Sequence[Trace]) -> int:
    """How many lines a legend needs, about."""
    names = {trace["name"] for trace in traces if trace.get("showlegend", True)}
    return max(1, -(-sum(len(name) * 7 + 52 for name in names) // LEGEND))


def _columns(column: int, columns: int) -> list[float]:
    width = (1 - GAP * (columns - 1)) / columns
    return [column * (width + GAP), column * (width + GAP) + width]


def _rows(row: int, rows: int, height: int) -> list[float]:
    """From above, each with room for its ticks and the next one's title below."""
    top = 1 - row / rows
    return [top - (1 - min(BELOW / height, 0.5)) / rows, top]


def _title(text: str, i: int) -> Spec:
    n = "" if i == 0 else str(i + 1)
    place = {
        "xref": f"x{n} domain",
        "yref": f"y{n} domain",
        "x": 0,
        "y": 1,
        "xanchor": "left",
        "yanchor": "bottom",
    }
    return {"text": text, "showarrow": False, "font": {"size": 12}, **place}


def faint(colour: str, opacity: float) -> str:
    """A colour `#rrggbb` that lets through what is behind."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def quoted(value: Any, key: str = "") -> Any:
    """A spec whose texts are shown as they are: plotly takes `<`, `>` and `&` for markup everywhere but in our templates."""
    if isinstance(value, dict):
        return {k: quoted(v, k) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [quoted(v, key) for v in value]
    if isinstance(value, str) and not key.endswith("template"):
        return html.escape(value, quote=False)
    return value
