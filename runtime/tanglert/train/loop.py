"""Steps of an engine in the folder of a run: told, stopped and saved on request, resumed where they were."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch

from tanglert.train.checkpoint import BrokenCheckpoint
from tanglert.train.distributed import World
from tanglert.train.engine import Engine
from tanglert.train.folder import RunFolder
from tanglert.train.interrupt import Interrupted, StopRequest
from tanglert.train.memory import peak_memory
from tanglert.train.options import Options
from tanglert.train.progress import Progress


class Parts(Protocol):
    """What is trained, and all else that a checkpoint holds."""

    engine: Engine
    options: Options
    device: torch.device
    world: World

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class Loop:
    """Work that goes on in a folder from its last checkpoint, in which `parts` go by the name `key`."""

    def __init__(
        self, key: str, parts: Parts, files: RunFolder, stop: StopRequest, progress: Progress
    ) -> None:
        self.key, self.parts, self.files, self.stop, self.progress = key, parts, files, stop, progress
        self.seconds, self.memory, lines = 0.0, 0, 0
        state = files.load()
        if state is not None:
            try:
                parts.load_state_dict(state[key])
                self.seconds, lines = float(state["seconds"]), int(state["lines"])
                self.memory = int(state.get("memory", 0))
            except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
                reason = " ".join(repr(error).split())[:300]
                raise BrokenCheckpoint(f"{files.checkpoint.path} is none of this run ({reason})") from error
        files.rewind(lines)
        self._since = time.monotonic()

    def fit(self, title: str, measures: Callable[[], dict[str, Any]], before: int = 0) -> None:
        """Trains to the end of the epochs; after each, a line of losses and `measures`, and a checkpoint.

        before: epochs of earlier stages, which count as well.
        """
        engine, options = self.parts.engine, self.parts.options
        steps, total = (epochs * engine.batches.per_epoch for epochs in (before, options.epochs))
        self.progress.start(title, options.epochs, total, steps + engine.step)
        while not engine.done:
            engine.advance()
            epoch = before + (engine.step - 1) // engine.batches.per_epoch + 1
            self.progress.step(epoch, steps + engine.step, engine.mean_losses())
            if engine.between_epochs:
                self.end_epoch(epoch, steps + engine.step, measures())
            elif options.save_every and engine.step % options.save_every == 0:
                self.save()
            self.leave_if_asked(f"in epoch {epoch}, after step {engine.step} of {engine.total}")

    def end_epoch(self, epoch: int, step: int, measures: Mapping[str, Any]) -> None:
        """A line of metrics and a checkpoint."""
        engine = self.parts.engine
        record: dict[str, Any] = {"kind": "epoch", "epoch": epoch, "step": step}
        record |= {**engine.mean_losses(), **measures, "lr": engine.learning_rate()}
        record["seconds"] = round(self.elapsed(), 2)
        self.files.log(record)
        self.progress.epoch(record)
        self.save()

    def leave_if_asked(self, where: str) -> None:
        """Saves and raises Interrupted once a stop is requested, in any process."""
        if self.parts.world.any(self.stop.requested):
            self.save()
            raise Interrupted(
                f"stopped {where}; the run is saved in {self.files.path}, resume it to go on from there"
            )

    def elapsed(self) -> float:
        """Seconds of work, since the start or the resume and before it."""
        return self.seconds + time.monotonic() - self._since

    def peak(self) -> int | None:
        """Bytes of memory at the peak, over all processes that worked on this run one after another."""
        return max(self.memory, peak_memory(self.parts.device) or 0) or None

    def save(self) -> None:
        """A checkpoint of the moment; it knows how many lines of metrics belong to it."""
        self.parts.engine.compare()
        state = {self.key: self.parts.state_dict(), "seconds": self.elapsed(), "lines": self.files.lines}
        self.files.save({**state, "memory": self.peak() or 0})
