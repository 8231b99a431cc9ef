"""Rows of a table of ratios: several things measured, the first of which the others are compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from benchmarks.memory import peak_bytes
from benchmarks.timing import Step, race, summary

Figures: TypeAlias = dict[str, dict[str, float | list[float]]]
"""By name: `seconds` or `bytes`, `ratio` to the first, and of times the `quartiles` of the ratio."""


class Row(Protocol):
    """What one line of a table is made of."""

    @property
    def name(self) -> str: ...

    def measured(self, rounds: int) -> Figures: ...


@dataclass(frozen=True)
class Race:
    """Steps that run in turn; each `times` in a row for one timing."""

    name: str
    steps: Mapping[str, Step]
    times: int = 1

    def measured(self, rounds: int) -> Figures:
        """Median CPU seconds of a step; the median and the quartiles of the ratios within rounds."""
        record = race(list(self.steps.values()), rounds, times=self.times)
        figures: Figures = {}
        for number, name in enumerate(self.steps):
            against = summary([(seconds[number], seconds[0]) for seconds in record])
            figures[name] = {
                "seconds": float(f"{against.seconds[0]:.4g}"),
                "ratio": round(against.ratio, 3),
                "quartiles": [round(q, 3) for q in against.quartiles],
            }
        return figures


@dataclass(frozen=True)
class Peaks:
    """Processes that print their peak memory in bytes: arguments of `python -m`."""

    name: str
    commands: Mapping[str, Sequence[str]]

    def measured(self, rounds: int) -> Figures:
        """Once: they repeat to a percent or better."""
        peaks = {name: peak_bytes(*command) for name, command in self.commands.items()}
        first, *_ = peaks.values()
        return {name: {"bytes": peak, "ratio": round(peak / first, 3)} for name, peak in peaks.items()}
