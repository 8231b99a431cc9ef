"""Ratios of run times that hold up on a machine that does other things too."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TypeAlias

Step: TypeAlias = Callable[[], None]


@dataclass(frozen=True)
class Comparison:
    """CPU seconds, medians; `ratio` is the median of the rounds' ratios of the first to the second."""

    seconds: tuple[float, float]
    ratio: float
    quartiles: tuple[float, float]


def compare(first: Step, second: Step, rounds: int, warmup: int = 2) -> Comparison:
    """Runs both in turn, and compares within rounds."""
    return summary([(a, b) for a, b in race([first, second], rounds, warmup)])


def race(steps: Sequence[Step], rounds: int, warmup: int = 2, times: int = 1) -> list[list[float]]:
    """CPU seconds of each step in every round: each runs once a round, `times` in a row, in an order drawn anew.

    The clock is the CPU time of this process: with one thread that is the time of an idle machine, but for caches.
    """
    for step in [*steps] * warmup:
        step()
    orders, record = random.Random(0), []
    for _ in range(rounds):
        order = orders.sample(range(len(steps)), len(steps))
        seconds = {i: cpu_seconds(steps[i], times) for i in order}
        record.append([seconds[i] for i in range(len(steps))])
    return record


def cpu_seconds(step: Step, times: int = 1) -> float:
    """Of one run, averaged over `times` of them."""
    start = time.process_time()
    for _ in range(times):
        step()
    return (time.process_time() - start) / times


def summary(pairs: Sequence[tuple[float, float]]) -> Comparison:
    """What two rounds or more say."""
    ratios = [a / b for a, b in pairs]
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return Comparison((median(a for a, _ in pairs), median(b for _, b in pairs)), median(ratios), (low, high))
