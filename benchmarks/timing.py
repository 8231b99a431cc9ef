"""Ratios of run times that hold up on a machine that does other things too."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Comparison:
    """CPU seconds, medians; `ratio` is the median of the rounds' ratios of the first to the second."""

    seconds: tuple[float, float]
    ratio: float
    quartiles: tuple[float, float]


def compare(
    first: Callable[[], None], second: Callable[[], None], rounds: int, warmup: int = 2
) -> Comparison:
    """Runs both in turn, the order changing from round to round, and compares within rounds.

    The clock is the CPU time of this process: with one thread that is the time of an idle machine, but for caches.
    """
    for _ in range(warmup):
        first()
        second()
    pairs = []
    for number in range(rounds):
        if number % 2:
            b, a = cpu_seconds(second), cpu_seconds(first)
        else:
            a, b = cpu_seconds(first), cpu_seconds(second)
        pairs.append((a, b))
    return summary(pairs)


def cpu_seconds(function: Callable[[], None]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def summary(pairs: Sequence[tuple[float, float]]) -> Comparison:
    """What two rounds or more say."""
    ratios = [a / b for a, b in pairs]
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return Comparison((median(a for a, _ in pairs), median(b for _, b in pairs)), median(ratios), (low, high))
