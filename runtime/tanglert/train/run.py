"""A whole search: train the supernet, find an architecture, measure it beside random ones."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tanglert.arch import ArchBase
from tanglert.data.part import Data
from tanglert.protocols import SpaceModule
from tanglert.search import Strategy
from tanglert.train.assembly import Search
from tanglert.train.checkpoint import BrokenCheckpoint
from tanglert.train.folder import RunFolder
from tanglert.train.interrupt import Interrupted, StopRequest
from tanglert.train.lock import sole_use
from tanglert.train.options import Options
from tanglert.train.progress import Progress, Silent
from tanglert.train.result import Result


def run_search(
    module: SpaceModule,
    data: Data,
    options: Options,
    folder: str | Path,
    progress: Progress | None = None,
    *,
    resume: bool = False,
    texts: Mapping[str, str] | None = None,
) -> Result:
    """Searches `module`'s space on `data` and leaves everything in `folder`.

    texts: files to put there, by name (the source of the space, the generated module).
    A stopped run (Ctrl-C, SIGTERM) goes on with `resume=True` exactly where it stopped; a complete one gives
    its result again.

    Raises Interrupted when stopped, DivergedError, RunError, OptionsError, DataError, SampledOnlyError,
    ForeignCheckpoint, BrokenCheckpoint.
    """
    search = Search(module, data, options)
    path = Path(folder)
    if not resume:
        path.mkdir(parents=True, exist_ok=True)
    with sole_use(path):
        files = RunFolder(path, module.SPACE, search.config(), resume, texts)
        finished = files.result()
        if finished is not None:
            return finished
        if resume:
            files.write(texts or {})
        with StopRequest() as stop:
            return Run(search, files, stop, progress or Silent()).complete()


# What progress and metrics call the searches.
SEARCHES = {"random": "random search", "evolution": "evolution", "nsga2": "NSGA-II"}


class Run:
    """A search going on in a folder: training, ranking, comparison; stopped and saved on request."""

    def __init__(self, search: Search, files: RunFolder, stop: StopRequest, progress: Progress) -> None:
        self.search, self.files, self.stop, self.progress = search, files, stop, progress
        self.seconds, lines = 0.0, 0
        if files.checkpoint.exists():
            state = files.checkpoint.load()
            try:
                search.load_state_dict(state["search"])
                self.seconds, lines = float(state["seconds"]), int(state["lines"])
            except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
                reason = " ".join(repr(error).split())[:300]
                raise BrokenCheckpoint(f"{files.checkpoint.path} is none of this run ({reason})") from error
        files.rewind(lines)
        self._since = time.monotonic()

    def complete(self) -> Result:
        """Everything that is left to do."""
        try:
            self.fit()
            if not self.search.options.by_gradients:
                self.rank(SEARCHES[self.search.options.strategy], self.search.ranking)
            self.rank("random architectures to compare with", self.search.random)
            result = self.search.result(round(self.elapsed(), 2))
            self.save()
            self.files.write_result(result)
            return result
        finally:
            self.progress.close()

    def fit(self) -> None:
        """Trains to the end of the epochs; measures and saves after each."""
        engine, options = self.search.engine, self.search.options
        title = f"{options.optimizer} on {self.search.space.name}"
        self.progress.start(title, options.epochs, engine.total, engine.step)
        while not engine.done:
            engine.advance()
            epoch = (engine.step - 1) // engine.batches.per_epoch + 1
            self.progress.step(epoch, engine.step, engine.mean_losses())
            if engine.between_epochs:
                self.end_epoch()
            elif options.save_every and engine.step % options.save_every == 0:
                self.save()
            self.leave_if_asked(f"in epoch {epoch}, after step {engine.step} of {engine.total}")

    def end_epoch(self) -> None:
        """A line of metrics, the current architecture, a checkpoint."""
        engine, arch = self.search.engine, self.search.current()
        record: dict[str, Any] = {"kind": "epoch", "epoch": engine.epoch, "step": engine.step}
        record |= engine.mean_losses()
        record |= {f"valid_{name}": value for name, value in self.search.validate().items()}
        record |= {"lr": engine.learning_rate(), "seconds": round(self.elapsed(), 2)}
        if arch is not None:
            record["arch"] = arch.to_dict()
            self.files.write_architecture(arch)
        self.files.log(record)
        self.progress.epoch(record)
        self.save()

    def rank(self, what: str, ranking: Strategy[ArchBase]) -> None:
        """A search to its end, a line of metrics for every architecture."""
        while not ranking.done:
            arch = ranking.advance()
            if arch is not None:
                metrics = ranking.history[arch]
                self.files.log({"kind": what, "arch": arch.to_dict(), **metrics})
                best = ranking.history[ranking.best()][self.search.task.metric]
                self.progress.ranking(what, len(ranking.history), ranking.evaluations, best)
            self.leave_if_asked(f"in the {what}, after {len(ranking.history)} of {ranking.evaluations}")
        found = self.search.current()
        if found is not None:
            self.files.write_architecture(found)

    def leave_if_asked(self, where: str) -> None:
        """Saves and raises Interrupted once a stop is requested."""
        if self.stop.requested:
            self.save()
            raise Interrupted(
                f"stopped {where}; the run is saved in {self.files.path}, resume it to go on from there"
            )

    def elapsed(self) -> float:
        """Seconds of work, since the start or the resume and before it."""
        return self.seconds + time.monotonic() - self._since

    def save(self) -> None:
        """A checkpoint of the moment; it knows how many lines of metrics belong to it."""
        state = {"search": self.search.state_dict(), "seconds": self.elapsed(), "lines": self.files.lines}
        self.files.checkpoint.save(state)
