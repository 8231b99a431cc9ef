"""A run in TensorBoard: losses, metrics and the probabilities of choices, one point an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tanglert.search import MissingLibrary
from tanglert.train.progress import Progress


class Board:
    """Passes everything on to another `Progress`, and writes it to `folder` for TensorBoard.

    Scalars: what `metrics.jsonl` says of an epoch, `probability/DIMENSION/POSITION/CHOICE`, and of a search among
    architectures the best metric so far. A resumed run drops the points after its checkpoint.

    Raises MissingLibrary without the package `tensorboard`.
    """

    def __init__(self, folder: Path, progress: Progress) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingLibrary(f"`--tensorboard` needs TensorBoard: {error}") from error
        self._kind: Any = SummaryWriter
        self._folder = str(folder)
        self._writer: Any = None
        self.progress = progress

    def start(self, title: str, epochs: int, steps: int, step: int) -> None:
        """Opens the log, where the run goes on."""
        self._writer = self._kind(self._folder, purge_step=step + 1)
        self.progress.start(title, epochs, steps, step)

    def step(self, epoch: int, step: int, losses: Mapping[str, float]) -> None:
        """Nothing but the other's."""
        self.progress.step(epoch, step, losses)

    def epoch(self, record: Mapping[str, Any]) -> None:
        """A point of every curve."""
        for name, value in scalars(record):
            self._writer.add_scalar(name, value, record["step"])
        self._writer.flush()
        self.progress.epoch(record)

    def ranking(self, what: str, done: int, total: int, best: float) -> None:
        """The best so far, by the number of evaluations."""
        self._writer.add_scalar(f"{what}/best", best, done)
        self.progress.ranking(what, done, total, best)

    def close(self) -> None:
        """Closes the log."""
        if self._writer is not None:
            self._writer.close()
        self.progress.close()


def scalars(record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The curves that a record of an epoch is a point of."""
    for name, value in record.items():
        if isinstance(value, int | float) and name not in ("epoch", "step") and math.isfinite(value):
            yield f"epoch/{name}", value
    for dim, rows in record.get("probabilities", {}).items():
        scoped = bool(rows) and isinstance(rows[0], list)
        for position, row in enumerate(rows if scoped else [rows]):
            for choice, value in enumerate(row):
                yield f"probability/{dim}/{position}/{choice}", value
