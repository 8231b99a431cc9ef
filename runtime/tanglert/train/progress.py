"""Telling people how a run goes. `display()` is a live view on a terminal and plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol, TextIO


class Progress(Protocol):
    """What a run reports. All calls are cheap to ignore."""

    def start(self, title: str, epochs: int, steps: int, step: int) -> None:
        """Training begins, or goes on at `step`; `steps` is its total."""

    def step(self, epoch: int, step: int, losses: Mapping[str, float]) -> None:
        """A step is done, in the epoch of that number, from 1; `losses` are the epoch's means so far."""

    def epoch(self, record: Mapping[str, Any]) -> None:
        """An epoch is done; the record is what went to the metrics."""

    def ranking(self, what: str, done: int, total: int, best: float) -> None:
        """So many architectures are evaluated, the best metric being `best`."""

    def close(self) -> None:
        """The run has ended, one way or another; whoever started it says how."""


class Silent:
    """Reports nothing."""

    def start(self, title: str, epochs: int, steps: int, step: int) -> None: ...

    def step(self, epoch: int, step: int, losses: Mapping[str, float]) -> None: ...

    def epoch(self, record: Mapping[str, Any]) -> None: ...

    def ranking(self, what: str, done: int, total: int, best: float) -> None: ...

    def close(self) -> None: ...


class PlainLog:
    """One line an epoch, for log files."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.clock = Clock()
        self.epochs = 0

    def start(self, title: str, epochs: int, steps: int, step: int) -> None:
        """The title, and where training goes on."""
        self.epochs = epochs
        self.clock.start(step, steps)
        self.say(title + (f", going on at step {step} of {steps}" if step else ""))

    def step(self, epoch: int, step: int, losses: Mapping[str, float]) -> None:
        """Counts only."""
        self.clock.tick(step)

    def epoch(self, record: Mapping[str, Any]) -> None:
        """Losses, architecture, time left."""
        self.say(f"epoch {record['epoch']}/{self.epochs}  {shown(record)}  {self.clock.left()}")
        if "arch" in record:
            self.say(f"  most probable: {compact(record['arch'])}")

    def ranking(self, what: str, done: int, total: int, best: float) -> None:
        """A line now and then."""
        if done == total or done % 25 == 0:
            self.say(f"{what}: {done}/{total}, best {best:.4g}")

    def close(self) -> None:
        """Nothing to put away."""

    def say(self, text: str) -> None:
        """A line, at once."""
        print(text, file=self.stream, flush=True)


class Clock:
    """Estimates the time left from the steps since the start or the resume."""

    def __init__(self) -> None:
        self.begin, self.first, self.now, self.total = time.monotonic(), 0, 0, 0

    def start(self, step: int, total: int) -> None:
        """Training goes on at `step`."""
        self.begin, self.first, self.now, self.total = time.monotonic(), step, step, total

    def tick(self, step: int) -> None:
        """So many steps are done."""
        self.now = step

    def left(self) -> str:
        """Such as `1:05 left`; empty as long as nothing is known."""
        if self.now <= self.first:
            return ""
        seconds = (time.monotonic() - self.begin) / (self.now - self.first) * (self.total - self.now)
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d} left"


def shown(record: Mapping[str, Any]) -> str:
    """The measures of a record in a fixed order, as far as there are any."""
    measures = ("loss", "accuracy", "perplexity")
    names = [
        "train_loss",
        "arch_loss",
        *(f"{part}_{name}" for part in ("valid", "test") for name in measures),
    ]
    return "  ".join(f"{name.replace('_', ' ')} {record[name]:.4g}" for name in names if name in record)


def compact(arch: Mapping[str, Any]) -> str:
    """An architecture on one line: lists in brackets, `-` where absent."""

    def value(v: Any) -> str:
        if isinstance(v, list):
            return "[" + " ".join("-" if x is None else str(x) for x in v) + "]"
        return str(v)

    return "  ".join(f"{name} {value(v)}" for name, v in arch.items())


def display(stream: TextIO | None = None) -> Progress:
    """The live view where `stream` (stderr) is a terminal and rich is installed, else plain lines."""
    stream = stream or sys.stderr
    if stream.isatty():
        try:
            from tanglert.train.live import LiveView
        except ImportError:
            return PlainLog(stream)
        return LiveView(stream)
    return PlainLog(stream)
