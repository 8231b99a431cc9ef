"""Methods side by side: what several runs of each found, in one table (means and deviations over seeds)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Any

TOKEN = re.compile(r"(?P<optimizer>[\w-]+)(\+(?P<strategy>\w+))?(:(?P<rest>.+))?")


def folder_name(text: str) -> str:
    """A name for a folder, from any text."""
    return re.sub(r"[^\w.+-]+", "-", text)


class MethodError(ValueError):
    """A method that is not written as one."""


@dataclass(frozen=True)
class Method:
    """`drnas`, `spos+evolution`, `darts:order=2,normalise=softmax`: options by name, from such a text."""

    text: str
    optimizer: str
    strategy: str | None
    sets: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Method:
        """MethodError where it is none."""
        found = TOKEN.fullmatch(text.strip())
        if not found:
            raise MethodError(
                f"`{text}` is not of the form OPTIMIZER, OPTIMIZER+STRATEGY or OPTIMIZER:OPTION=VALUE,…"
            )
        rest = found["rest"]
        return cls(
            text.strip(), found["optimizer"], found["strategy"], tuple(rest.split(",")) if rest else ()
        )

    @property
    def folder(self) -> str:
        """The name of its runs' folders, without the seed."""
        return folder_name(self.text)

    @property
    def base(self) -> Method | None:
        """The method whose supernet it searches: the same training, with random search; None if it trains its own."""
        if self.strategy in (None, "random"):
            return None
        text = self.optimizer + (":" + ",".join(self.sets) if self.sets else "")
        return Method(text, self.optimizer, None, self.sets)

    def options(self) -> list[str]:
        """As `--set` takes them."""
        strategy = [] if self.strategy is None else [f"strategy={self.strategy}"]
        return [f"optimizer={self.optimizer}", *strategy, *self.sets]


@dataclass(frozen=True)
class Outcome:
    """One run: a seed, its figures, and the best metric so far over the seconds of the search.

    metric: on the held-out part with inherited weights. trained: the same after `tanglec train`, if that was asked for.
    """

    seed: int
    metric: float
    validation: float
    mixture: float | None
    random_mean: float | None
    random_best: float | None
    seconds: float
    memory: int | None
    params: int
    macs: int
    architecture: Mapping[str, Any]
    curve: Sequence[tuple[float, float]] = field(default_factory=tuple)
    trained: float | None = None


def read_outcome(run: Path, seed: int, parent: Path | None = None, trained: Path | None = None) -> Outcome:
    """The outcome of a complete run; `parent` is the run whose supernet it searched, `trained` a retraining."""
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    metric, begun = result["metric"], 0.0
    if parent is not None:
        epochs = [r for r in _records(parent) if r["kind"] == "epoch"]
        begun = epochs[-1]["seconds"] if epochs else 0.0
    after = None if trained is None else json.loads((trained / "result.json").read_text(encoding="utf-8"))
    mixture = result["mixture"]
    return Outcome(
        seed,
        result["test"][metric],
        result["validation"][metric],
        None if mixture is None else mixture[metric],
        result["random_mean"],
        result["random_best"],
        round(begun + result["seconds"], 2),
        result.get("memory"),
        result["params"],
        result["macs"],
        result["architecture"],
        _curve(_records(run), metric, result["higher"], begun),
        None if after is None else after["test"][metric],
    )


def _records(run: Path) -> list[dict[str, Any]]:
    text = (run / "metrics.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _curve(
    records: Iterable[Mapping[str, Any]], metric: str, higher: bool, begun: float
) -> list[tuple[float, float]]:
    """The validation metric of what the search would have given, over its seconds.

    By gradients: of the most probable architecture after every epoch; among architectures: of the best one so far.
    """
    curve: list[tuple[float, float]] = []
    best: float | None = None
    for record in records:
        if record["kind"] == "epoch":
            value = record.get(f"subnet_{metric}", record[f"valid_{metric}"] if "arch" in record else None)
        elif record["kind"].startswith("random architectures"):
            continue
        else:
            value = record[metric]
            better = best is None or (value > best if higher else value < best)
            best = value = value if better else best
        if value is not None:
            curve.append((round(begun + record["seconds"], 2), value))
    return curve


@dataclass(frozen=True)
class Row:
    """A method in the table: means over seeds, and deviations (of the sample; None with one seed)."""

    method: str
    runs: int
    metric: float
    deviation: float | None
    random: float | None
    trained: float | None
    trained_deviation: float | None
    seconds: float
    memory: float | None
    params: float


def rows(methods: Mapping[str, Sequence[Outcome]]) -> list[Row]:
    """One row a method, in their order."""
    return [_row(name, outcomes) for name, outcomes in methods.items() if outcomes]


def _row(name: str, outcomes: Sequence[Outcome]) -> Row:
    values = [o.metric for o in outcomes]
    trained = [o.trained for o in outcomes if o.trained is not None]
    random = [o.random_mean for o in outcomes if o.random_mean is not None]
    memory = [o.memory for o in outcomes if o.memory is not None]
    return Row(
        name,
        len(outcomes),
        mean(values),
        stdev(values) if len(values) > 1 else None,
        mean(random) if random else None,
        mean(trained) if trained else None,
        stdev(trained) if len(trained) > 1 else None,
        mean(o.seconds for o in outcomes),
        mean(memory) if memory else None,
        mean(o.params for o in outcomes),
    )
