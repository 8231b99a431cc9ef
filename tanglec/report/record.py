"""What a run left behind, as the page needs it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tanglec.architecture import read_architecture
from tanglec.diagnostics import Sink
from tanglec.ir.extents import Assignment
from tanglec.ir.nodes import Space
from tanglec.notation import written
from tanglec.passes.cost import Costs, costs

Record = Mapping[str, Any]
RANDOM = "random architectures to compare with"  # their kind in the metrics


class BrokenRecord(ValueError):
    """A record that is not of the form that a search writes."""


@dataclass(frozen=True)
class Outcome:
    """The figures of a complete run; all are of the held-out part, with the supernet's inherited weights."""

    metric: str
    higher: bool
    found: float
    mixture: float | None
    random: Sequence[float]
    held_out: int
    seconds: float
    front: Sequence[Record]

    @classmethod
    def of(cls, result: Record) -> Outcome:
        """Raises BrokenRecord where a figure is missing or none."""
        try:
            metric = str(result["metric"])
            mixture = result["mixture"]
            return cls(
                metric,
                bool(result["higher"]),
                float(result["test"][metric]),
                None if mixture is None else float(mixture[metric]),
                [float(value) for value in result["random"]],
                int(result["held_out"]),
                float(result["seconds"]),
                [dict(point) for point in result.get("front", ())],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BrokenRecord(f"`result.json` is not the result of a search ({error!r})") from error

    @property
    def beaten_by(self) -> int:
        """How many of the random architectures are better than the one found."""
        return sum(value > self.found if self.higher else value < self.found for value in self.random)


@dataclass(frozen=True)
class Run:
    """A run, complete or not.

    config: its `config.json`. lines: its metrics, in order. result: its `result.json`, None as long as it goes on.
    architecture: the choices that it would give now, or gave. unread: lines of the metrics that could not be read.
    """

    name: str
    space: Space
    config: Record
    lines: Sequence[Record] = ()
    result: Record | None = None
    architecture: Record | None = None
    unread: int = 0

    @cached_property
    def options(self) -> dict[str, Any]:
        return dict(self.config.get("options", {}))

    @cached_property
    def epochs(self) -> list[Record]:
        """One record for each epoch that was trained."""
        return [line for line in self.lines if line.get("kind") == "epoch" and number(line.get("epoch"))]

    @cached_property
    def ranked(self) -> dict[str, list[Record]]:
        """The architectures that were evaluated, by the kind of search, in order."""
        found: dict[str, list[Record]] = {}
        for line in self.lines:
            if line.get("kind") != "epoch" and isinstance(line.get("arch"), dict):
                found.setdefault(str(line.get("kind")), []).append(line)
        return found

    @cached_property
    def outcome(self) -> Outcome | None:
        """Raises BrokenRecord for a result that is none."""
        return None if self.result is None else Outcome.of(self.result)

    @cached_property
    def metric(self) -> str:
        """What people read: perplexity where it was measured (then less is better), else accuracy."""
        if self.outcome is not None:
            return self.outcome.metric
        names = {name.removeprefix("valid_") for line in self.lines for name in line}
        return next((name for name in ("perplexity", "accuracy") if name in names), "loss")

    @property
    def higher(self) -> bool:
        """Whether more of the metric is better."""
        return self.metric == "accuracy" if self.outcome is None else self.outcome.higher

    @cached_property
    def assignment(self) -> Assignment | None:
        """The choices of the architecture. Raises `CompileError` where it is none of the space."""
        if self.architecture is None:
            return None
        sink = Sink()
        assignment = read_architecture(self.architecture, self.space, sink)
        sink.check()
        return assignment

    @cached_property
    def notations(self) -> dict[str, str]:
        """The architecture as the field writes it, by the name of the notation."""
        return {} if self.assignment is None else written(self.space, self.assignment)

    @cached_property
    def costs(self) -> Costs | None:
        """What the architecture costs."""
        return None if self.assignment is None else costs(self.space, self.assignment)

    def cost_of(self, line: Record) -> Costs | None:
        """What the architecture of a line costs; None where it is none of the space."""
        if number(line.get("params")) and number(line.get("macs")):
            return Costs(int(line["params"]), int(line["macs"]))
        sink = Sink()
        assignment = read_architecture(line["arch"], self.space, sink)
        return None if assignment is None else costs(self.space, assignment)


def read_lines(text: str) -> tuple[list[Record], int]:
    """The JSON objects of `metrics.jsonl`, and how many lines are none (the last may have been cut short)."""
    found: list[Record] = []
    broken = 0
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if isinstance(value, dict):
            found.append(value)
        else:
            broken += bool(line.strip())
    return found, broken


def number(value: object) -> bool:
    """Whether a value can be drawn."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def series(lines: Iterable[Record], x: str, y: str) -> tuple[list[float], list[float]]:
    """The points of two keys, of the lines that have both."""
    points = [(line[x], line[y]) for line in lines if number(line.get(x)) and number(line.get(y))]
    return [a for a, _ in points], [b for _, b in points]


def running_best(values: Sequence[float], higher: bool) -> list[float]:
    """The best so far, after every value."""
    best: list[float] = []
    for value in values:
        best.append((max if higher else min)(best[-1], value) if best else value)
    return best
