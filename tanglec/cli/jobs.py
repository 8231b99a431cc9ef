"""The runs of a comparison: each a command of its own, run where it is not complete."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from tanglec.cli.arguments import read_params
from tanglec.cli.messages import fail
from tanglec.cli.processes import STOPPED, Processes, log_of
from tanglec.comparison import Method, folder_name
from tanglec.diagnostics import CompileError
from tanglec.source import Source


@dataclass(frozen=True)
class Job:
    """One run of the comparison: a method and a seed, in a folder. parent: the run whose supernet it searches."""

    method: Method
    seed: int
    folder: Path
    parent: Path | None = None

    @property
    def complete(self) -> bool:
        """Whether it has run to its end."""
        return (self.folder / "result.json").is_file()

    @property
    def ready(self) -> bool:
        """Whether it is still to run, and can."""
        return not self.complete and (self.parent is None or (self.parent / "result.json").is_file())

    def options(self) -> list[str]:
        """What sets it apart, as `--set` takes it."""
        return [*self.method.options(), f"seed={self.seed}"]

    def training(self, recipe: str) -> Job:
        """What it found, trained from scratch by a recipe, which may be in any file."""
        return Job(self.method, self.seed, self.folder / f"train-{folder_name(recipe)}", self.folder)


def planned(methods: Sequence[Method], seeds: Sequence[int], folder: Path) -> tuple[list[Job], list[Job]]:
    """The runs that train a supernet, then those that search one again."""
    bases = [m.base for m in methods if m.base is not None]
    training = dict.fromkeys([*(m for m in methods if m.base is None), *bases])
    first = [Job(m, seed, folder / f"{m.folder}-{seed}") for m in training for seed in seeds]
    again = [
        Job(m, seed, folder / f"{m.folder}-{seed}", folder / f"{m.base.folder}-{seed}")
        for m in methods
        if m.base is not None
        for seed in seeds
    ]
    return first, again


@dataclass(frozen=True)
class Common:
    """What all runs of a comparison share, as `search` takes it."""

    file: str
    space: Source
    recipe: str | None
    sets: Sequence[str]
    data: str | None
    params: Sequence[str]

    def search(self, job: Job) -> list[str]:
        """The command of a run: new, or resumed."""
        sets = _flags("--set", [*self.sets, *job.options()])
        data = [] if self.data is None else ["--data", self.data]
        end = ["--out", str(job.folder), *_resume(job)]
        if job.parent is not None:
            return ["search", "--from", str(job.parent), *sets, *data, *end]
        recipe = [] if self.recipe is None else ["--recipe", self.recipe]
        return ["search", self.file, *recipe, *sets, *data, *_flags("--param", self.params), *end]

    def train(self, job: Job, recipe: str) -> list[str]:
        """The command that trains what a run found; new, or resumed."""
        sets = _flags("--set", [f"seed={job.seed}"])
        data = [] if self.data is None else ["--data", self.data]
        end = ["--out", str(job.folder), *_resume(job)]
        return ["train", str(job.parent), "--init", "retrain", "--recipe", recipe, *sets, *data, *end]

    def require_the_same(self, jobs: Iterable[Job]) -> None:
        """Raises `CompileError` (TSP0911) where a run that is complete is none of this comparison."""
        complete = [job for job in jobs if job.complete]
        if not complete:
            return
        from tanglec.cli.repeated import require_the_same
        from tanglec.cli.settings import settings
        from tanglec.cli.training import need_torch

        need_torch()
        params = read_params(self.params)
        for job in complete:
            recipe = None if job.parent else self.recipe  # a supernet that is searched again has it already
            own = [*self.sets, *job.options()]
            asked = settings(recipe, self.space, {}, own, self.data, params, {})
            require_the_same(job.folder, self.space, asked, job.parent)


def run_all(commands: Mapping[Job, Sequence[str]], at_once: int) -> list[Job]:
    """Several commands at a time; those that failed, when all have run. Exits where they were stopped."""
    codes = Processes(at_once).run({job.folder: arguments for job, arguments in commands.items()})
    if STOPPED in codes.values():
        print("stopped and saved; the same command goes on", file=sys.stderr)
        raise typer.Exit(STOPPED)
    return [job for job in commands if codes[job.folder]]


def failure(failed: Sequence[Job]) -> CompileError:
    """Which runs failed, and the error of the first of them; its last words, if it was killed."""
    log = log_of(failed[0].folder)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    said = [line for line in lines if line.startswith("error")] or lines[-1:]
    names = ", ".join(job.folder.name for job in failed)
    return fail("TSP0920", f"runs failed: {names}", *said[:1], f"all it said is in {log.as_posix()}")


def _flags(flag: str, texts: Sequence[str]) -> list[str]:
    return [part for text in texts for part in (flag, text)]


def _resume(job: Job) -> list[str]:
    return ["--resume"] if (job.folder / "config.json").is_file() else []
