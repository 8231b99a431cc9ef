"""The live view of a run on a terminal (needs rich)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tanglert.train.progress import Clock, compact, shown


class LiveView:
    """Progress bar, losses, current architecture and time left, redrawn in place."""

    def __init__(self, stream: TextIO) -> None:
        self.live = Live(console=Console(file=stream), refresh_per_second=4, transient=True)
        self.clock = Clock()
        self.title, self.epochs = "", 0
        self.lines: dict[str, str] = {}

    def start(self, title: str, epochs: int, steps: int, step: int) -> None:
        """Begins to draw."""
        self.title, self.epochs = title, epochs
        self.clock.start(step, steps)
        self.live.start()

    def step(self, epoch: int, step: int, losses: Mapping[str, float]) -> None:
        """The epoch's losses so far."""
        self.clock.tick(step)
        self.lines["training"] = f"epoch {epoch}/{self.epochs}  {shown(losses)}"
        self.live.update(self.view())

    def epoch(self, record: Mapping[str, Any]) -> None:
        """The validation metrics, and the architecture as it stands; a line of it stays."""
        self.live.console.print(f"epoch {record['epoch']:>3}  {shown(record)}", highlight=False, style="dim")
        if "arch" in record:
            self.lines["most probable"] = compact(record["arch"])

    def ranking(self, what: str, done: int, total: int, best: float) -> None:
        """Architectures evaluated so far."""
        self.lines[what] = f"{done}/{total}, best {best:.4g}"
        self.live.update(self.view())

    def close(self) -> None:
        """Gives the terminal back."""
        self.live.stop()

    def view(self) -> Group:
        """The picture."""
        grid = Table.grid(padding=(0, 2))
        for name, text in self.lines.items():
            grid.add_row(Text(name, style="bold"), Text(text))
        bar = Table.grid(padding=(0, 2))
        bar.add_row(ProgressBar(total=max(self.clock.total, 1), completed=self.clock.now, width=40))
        bar.add_row(Text(self.clock.left(), style="cyan"))
        return Group(Text(self.title, style="bold"), bar, grid)
