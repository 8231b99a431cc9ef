"""Probabilities of the choices over time, for every dimension and position (TangleNAS, figure 5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tanglec.ir.extents import Position, Scalar, show_scalar
from tanglec.ir.nodes import Dimension
from tanglec.report.plot import LABELS, Figure, Panel, Trace, epoch_axis, panels, ramp
from tanglec.report.record import Record, Run, number

Rows = list[list[float]]  # probabilities by position and choice


def choices(run: Run) -> Iterator[Figure]:
    """A figure for every dimension whose probabilities the epochs report."""
    for dimension in run.space.dimensions:
        history = [(epoch, rows) for epoch in run.epochs if (rows := _rows(epoch, dimension)) is not None]
        if history:
            yield _figure(dimension, history, run)


def _rows(epoch: Record, dimension: Dimension) -> Rows | None:
    """What an epoch says of a dimension; None where it says nothing that fits its choices.

    Where positions have lists of unequal length, rows are padded with zeros on the right.
    """
    given = epoch.get("probabilities")
    value = given.get(dimension.name) if isinstance(given, dict) else None
    if not isinstance(value, list) or not value:
        return None
    rows = value if isinstance(value[0], list) else [value]
    counts = [len(position.choices) for position in dimension.positions]
    fits = len(rows) == len(counts) and all(
        isinstance(row, list) and len(row) >= count and all(map(number, row)) and not any(row[count:])
        for row, count in zip(rows, counts, strict=True)
    )
    return [row[:count] for row, count in zip(rows, counts, strict=True)] if fits else None


def _figure(dimension: Dimension, history: Sequence[tuple[Record, Rows]], run: Run) -> Figure:
    colours = _colours(dimension)
    epochs = [float(epoch["epoch"]) for epoch, _ in history]
    parts, shown, last = [], set[Scalar](), history[-1][1]
    for i, position in enumerate(dimension.positions):
        columns = list(zip(*(rows[i] for _, rows in history), strict=True))
        traces = [
            _area(choice, epochs, column, colours[choice], choice not in shown)
            for choice, column in zip(position.choices, columns, strict=True)
        ]
        shown |= set(position.choices)
        x = {**epoch_axis(epochs), **({"range": [epochs[0], epochs[-1]]} if len(epochs) > 1 else {})}
        parts.append(Panel(_place(position, run), traces, x, {"range": [0, 1], "tickvals": [0, 0.5, 1]}))
    tops = [f"{_place(p, None)} {_most(p, row)}" for p, row in zip(dimension.positions, last, strict=True)]
    scope = f" {dimension.per}" if dimension.per else ""
    return Figure(
        f"choices-{dimension.name}",
        f"Choices of {dimension.name}{scope}",
        "Mean probability of every choice after each epoch, one panel for each position in order of execution; heights add"
        " up to 1. Behind the name of a position stands the choice of the architecture.",
        f"Probabilities of the choices of {dimension.name}. Most probable at the end: {'; '.join(tops)}.",
        panels(parts, 4 if len(parts) > 2 else len(parts), row=150 if len(parts) > 2 else 200, hovermode="x"),
    )


def _area(choice: Scalar, x: Sequence[float], y: Sequence[float], colour: str, legend: bool) -> Trace:
    """A layer of the stack; a lone epoch is a bar."""
    name = show_scalar(choice)
    same: dict[str, Any] = {
        "name": name,
        "x": list(x),
        "y": list(y),
        "legendgroup": name,
        "showlegend": legend,
    }
    shown = {**same, "hovertemplate": "%{y:.3f}"}
    if len(x) == 1:
        return {**shown, "type": "bar", "marker": {"color": colour}, "width": 0.5}
    look = {"mode": "lines", "line": {"width": 0.6, "color": colour}, "fillcolor": colour}
    return {**shown, "type": "scatter", "stackgroup": "all", **look}


def _colours(dimension: Dimension) -> dict[Scalar, str]:
    """Numbers get darker with their size, labels colours of their own."""
    every = list(dict.fromkeys(choice for p in dimension.positions for choice in p.choices))
    if any(isinstance(choice, str | bool) for choice in every):
        return {choice: LABELS[i % len(LABELS)] for i, choice in enumerate(every)}
    return dict(zip(sorted(every), ramp(len(every)), strict=True))


def _place(position: Position, run: Run | None) -> str:
    """Such as `normal 3`, with what the architecture of the run has there."""
    group = f"{position.group} " if position.group else ""
    name = f"{group}{position.index + 1}" if position.scoped else position.dim
    if run is None or run.assignment is None:
        return name
    present = run.space.presence[position].at(run.assignment)
    return f"{name}: {show_scalar(run.assignment[position]) if present else 'absent'}"


def _most(position: Position, row: Sequence[float]) -> str:
    best = max(range(len(row)), key=row.__getitem__)
    return f"{show_scalar(position.choices[best])} ({row[best]:.2f})"
