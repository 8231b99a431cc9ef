"""A whole search: train the supernet, find an architecture, measure it beside random ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tanglert.arch import ArchBase
from tanglert.data.part import Data
from tanglert.protocols import SpaceModule
from tanglert.search import Strategy
from tanglert.train.assembly import Search
from tanglert.train.distributed import joined, restarted
from tanglert.train.folder import RunFolder
from tanglert.train.interrupt import StopRequest
from tanglert.train.lock import sole_use
from tanglert.train.loop import Loop
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
    parent: str | Path | None = None,
    stages: Sequence[SpaceModule] = (),
) -> Result:
    """Searches `module`'s space on `data` and leaves everything in `folder`.

    texts: files to put there, by name (the source of the space, the generated module).
    parent: the folder of a run whose supernet is searched as it is, without training.
    stages: the space as each of `options.stages` has it, where they have params of their own.
    A stopped run (Ctrl-C, SIGTERM) goes on with `resume=True` exactly where it stopped; a complete one gives
    its result again.

    Under torchrun (or within the caller's process group) all processes call this alike: each takes its share of
    every batch, the first one writes and reports, and a stop of one stops all. One that torchrun starts anew
    goes on from the last checkpoint.

    Raises Interrupted when stopped, DivergedError, RunError, OptionsError, DataError, SampledOnlyError,
    ForeignCheckpoint, BrokenCheckpoint, LostProcess, ProcessesDiffer.
    """
    path = Path(folder)
    with joined() as world, ExitStack() as stack:
        search = Search(module, data, options, world, stages)
        if parent is not None:
            search.inherit(Path(parent))
        resume = resume or (restarted() and world.from_main((path / "config.json").exists))
        if not resume:
            world.from_main(lambda: path.mkdir(parents=True, exist_ok=True))
        world.from_main(lambda: stack.enter_context(sole_use(path)))
        files = RunFolder(path, module.SPACE, search.config(), resume, texts, world)
        finished = files.result()
        if finished is not None:
            return finished
        stop = stack.enter_context(StopRequest())
        return Run(search, files, stop, progress if progress and world.is_main else Silent()).complete()


# What progress and metrics call the searches.
SEARCHES = {"random": "random search", "evolution": "evolution", "nsga2": "NSGA-II"}


class Run(Loop):
    """A search going on in a folder: training, ranking, comparison; stopped and saved on request."""

    def __init__(self, search: Search, files: RunFolder, stop: StopRequest, progress: Progress) -> None:
        self.search = search
        super().__init__("search", search, files, stop, progress)

    def complete(self) -> Result:
        """Everything that is left to do."""
        try:
            self.train()
            if not self.search.options.by_gradients:
                self.rank(SEARCHES[self.search.options.strategy], self.search.ranking)
            self.rank("random architectures to compare with", self.search.random)
            result = self.search.result(round(self.elapsed(), 2), self.peak())
            self.save()
            self.files.write_result(result)
            return result
        finally:
            self.progress.close()

    def train(self) -> None:
        """Every stage to its end."""
        search = self.search
        while True:
            stage = f", stage {search.stage + 1} of {len(search.stages)}" if search.stages else ""
            title = f"{search.options.optimizer} on {search.space.name}{stage}"
            self.fit(title, self.measures, search.epochs_before)
            if not search.next_stage():
                return

    def measures(self) -> dict[str, Any]:
        """Metrics on the validation part, the architecture of the moment and the probabilities of all choices."""
        arch = self.search.current()
        record: dict[str, Any] = {f"valid_{name}": value for name, value in self.search.validate().items()}
        if arch is not None and self.search.mixes:
            record |= {f"subnet_{name}": value for name, value in self.search.on_validation(arch).items()}
        probabilities = self.search.probabilities()
        if probabilities is not None:
            record["probabilities"] = probabilities
        if arch is not None:
            record["arch"] = arch.to_dict()
            self.files.write_architecture(arch)
        return record

    def rank(self, what: str, ranking: Strategy[ArchBase]) -> None:
        """A search to its end, a line of metrics for every architecture."""
        while not ranking.done:
            arch = ranking.advance()
            if arch is not None:
                metrics = ranking.history[arch]
                self.files.log(
                    {"kind": what, "arch": arch.to_dict(), **metrics, "seconds": round(self.elapsed(), 2)}
                )
                best = ranking.history[ranking.best()][self.search.task.metric]
                self.progress.ranking(what, len(ranking.history), ranking.evaluations, best)
            self.leave_if_asked(f"in the {what}, after {len(ranking.history)} of {ranking.evaluations}")
        found = self.search.current()
        if found is not None:
            self.files.write_architecture(found)
