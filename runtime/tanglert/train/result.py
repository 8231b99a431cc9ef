"""What a search found, and how that compares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Result:
    """The outcome of a search, everything measured with the supernet's inherited weights.

    architecture: the one that was found, as in `Arch.to_dict`. test, validation: its metrics on the held-out
    part and on the part that chose it. mixture: metrics of the superposition on the held-out part (drnas
    only).
    random: the metric of random architectures on the held-out part. metric: the name of the metric that
    people read; higher: whether more is better. seconds: of work, without the time between interruption and
    resume. front: of a search that ranked architectures, those that no other beats in metric, parameters and
    multiply-adds, with these figures (on the part that chose). memory: bytes at the peak; None if unknown.
    """

    space: str
    optimizer: str
    architecture: dict[str, Any]
    params: int
    macs: int
    metric: str
    higher: bool
    test: dict[str, float]
    validation: dict[str, float]
    mixture: dict[str, float] | None
    random: list[float]
    held_out: int
    seconds: float
    front: list[dict[str, Any]] = field(default_factory=list)
    memory: int | None = None

    @property
    def random_mean(self) -> float | None:
        """Mean metric of the random architectures."""
        return sum(self.random) / len(self.random) if self.random else None

    @property
    def random_best(self) -> float | None:
        """Best metric among the random architectures."""
        return (max if self.higher else min)(self.random) if self.random else None

    @property
    def beaten_by(self) -> int:
        """How many of the random architectures are better than the one found."""
        found = self.test[self.metric]
        return sum(value > found if self.higher else value < found for value in self.random)

    def summary(self) -> str:
        """The outcome in plain words, favourable or not."""
        lines = [
            f"{self.metric} {self.test[self.metric]:.4g} with inherited weights (not trained further)"
            f" on {self.held_out:,} held-out samples"
        ]
        if self.random:
            lines.append(
                f"{len(self.random)} random architectures on the same: mean {self.random_mean:.4g}, best"
                f" {self.random_best:.4g}; {self.beaten_by or 'none'} of them better than the one found"
            )
        if self.mixture is not None:
            lines.append(f"the mixture itself: {self.mixture[self.metric]:.4g}")
        return "\n".join(lines)

    def to_json(self) -> str:
        """One JSON object, with the comparison worked out."""
        derived = {
            "random_mean": self.random_mean,
            "random_best": self.random_best,
            "beaten_by": self.beaten_by,
        }
        return json.dumps({**asdict(self), **derived}, indent=2) + "\n"

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Result:
        """Reads back what `to_json` wrote."""
        return cls(**{name: fields[name] for name in cls.__dataclass_fields__ if name in fields})
