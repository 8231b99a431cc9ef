"""The folder of a run: options, sources, metrics, checkpoint, architecture, result."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from torch import Tensor

from tanglert.arch import ArchBase
from tanglert.space import Space
from tanglert.train.atomic import append_text, replace_text
from tanglert.train.checkpoint import BrokenCheckpoint, CheckpointFile, ForeignCheckpoint
from tanglert.train.distributed import ALONE, World
from tanglert.train.options import Options, OptionsError
from tanglert.train.result import Result

P = ParamSpec("P")
T = TypeVar("T")


def _other_data(run: Path, before: str, now: str) -> str:
    if before == now:
        return f"{now} has changed since the run in {run} was started. Start a new run"
    return f"{run} was run on data {before}, and {now} is not the same"


class RunError(ValueError):
    """A folder that cannot take this run, or holds another one."""


def by_main(method: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """A method that only the first process of the run executes; all get what it gives, or raises."""

    @wraps(method)
    def told(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> T:
        world: World = self.world
        return world.from_main(lambda: method(self, *args, **kwargs))

    return told


class RunFolder:
    """`path` with config.json, metrics.jsonl, checkpoint.pt, architecture.json, result.json and given texts.

    A new run wants a folder without a run in it; a resumed one wants one with the same space, data (wherever
    it lies), number of processes and options (the device may differ). Raises RunError or ForeignCheckpoint
    otherwise.

    Of several processes only the first touches it; what it finds wrong stops them all.
    """

    def __init__(
        self,
        path: Path,
        space: Space,
        config: Mapping[str, Any],
        resume: bool,
        texts: Mapping[str, str] | None = None,
        world: World = ALONE,
    ) -> None:
        self.path, self.space, self.world = path, space, world
        self.checkpoint = CheckpointFile(path / "checkpoint.pt", space)
        self.lines = 0
        world.from_main(lambda: self._begin(config, resume, texts or {}))

    def _begin(self, config: Mapping[str, Any], resume: bool, texts: Mapping[str, str]) -> None:
        before = self._config()
        if resume:
            self._compare(before, config)
            self._replace(texts)
        elif before is not None:
            raise RunError(f"{self.path} already holds a run: resume it, or write to another folder")
        else:
            self._replace(texts)
            self._replace(
                {"config.json": json.dumps(config, indent=2) + "\n"}
            )  # last: with it, this is a run

    def _config(self) -> dict[str, Any] | None:
        file = self.path / "config.json"
        if not file.exists():
            return None
        try:
            config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            missing = {"space", "source", "data", "data_sha256", "options"} - set(config)
        except (ValueError, TypeError) as error:
            raise RunError(f"{file} cannot be read ({error})") from error
        if missing:
            raise RunError(f"{file} is not the record of a run: it has no {', '.join(sorted(missing))}")
        return config

    def _compare(self, before: Mapping[str, Any] | None, config: Mapping[str, Any]) -> None:
        if before is None:
            raise RunError(f"nothing to resume: there is no run in {self.path}")
        if before["space"] != config["space"]:
            raise ForeignCheckpoint(
                f"{self.path} holds a run of space `{before['space']}`, not `{config['space']}`"
            )
        if before["source"] != config["source"]:
            raise ForeignCheckpoint(
                f"{self.path} holds a run of another version of space `{config['space']}`: its source, or a"
                " parameter it was compiled with, has changed since. Start a new run"
            )
        for name in ("kind", "init", "architecture"):  # a search, or the training of one architecture
            if before.get(name) != config.get(name):
                raise RunError(
                    f"{self.path} holds another run: its {name} is {before.get(name, 'a search')}, not"
                    f" {config.get(name, 'a search')}"
                )
        if before["data_sha256"] != config["data_sha256"]:
            raise RunError(_other_data(self.path, before["data"], config["data"]))
        if before.get("parent") != config.get("parent"):
            raise RunError(
                f"{self.path} searches with the supernet of {(before.get('parent') or {}).get('run', 'its own')},"
                " which has changed since, or was not named now"
            )
        if before.get("processes", 1) != config["processes"]:
            raise RunError(
                f"{self.path} was started with {before.get('processes', 1)} processes, this is"
                f" {config['processes']}: a step takes a batch in each, so that it would be another run"
            )
        if before.get("latency_sha256") != config.get("latency_sha256"):
            raise RunError(f"the table of latencies has changed since the run in {self.path} was started")
        started = self._options(before["options"])
        for name, value in config["options"].items():
            if name != "device" and started[name] != value:
                raise RunError(
                    f"{self.path} was started with {name} {started[name]}, not {value}: resume"
                    " with the options it was started with"
                )

    def _options(self, recorded: Mapping[str, Any]) -> dict[str, Any]:
        """All options of the run; those that are younger than it have their defaults."""
        try:
            return Options.of(recorded).plain()
        except OptionsError as error:
            raise RunError(f"{self.path / 'config.json'}: {error}") from error

    @by_main
    def write(self, texts: Mapping[str, str]) -> None:
        """Text files by name: the source of the space, the generated module."""
        self._replace(texts)

    def _replace(self, texts: Mapping[str, str]) -> None:
        for name, text in texts.items():
            replace_text(self.path / name, text)

    @by_main
    def log(self, record: Mapping[str, Any]) -> None:
        """Appends one JSON line to the metrics."""
        append_text(self.path / "metrics.jsonl", json.dumps(record) + "\n")
        self.lines += 1

    @by_main
    def rewind(self, lines: int) -> None:
        """Drops the metrics that were written after the checkpoint, and a line that was cut short."""
        file = self.path / "metrics.jsonl"
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        kept = [line for line in text.splitlines(keepends=True)[:lines] if line.endswith("\n")]
        replace_text(file, "".join(kept))
        self.lines = len(kept)

    @by_main
    def write_architecture(self, arch: ArchBase) -> None:
        """The architecture that the search would give now."""
        replace_text(self.path / "architecture.json", arch.to_json() + "\n")

    @by_main
    def write_result(self, result: Result) -> None:
        """The outcome; with it the run is complete."""
        replace_text(self.path / "result.json", result.to_json())

    @by_main
    def save(self, state: dict[str, Any]) -> None:
        """A checkpoint; the one before is kept."""
        self.checkpoint.save(state)

    @by_main
    def load(self) -> dict[str, Any] | None:
        """What the last checkpoint holds, if there is one."""
        return self.checkpoint.load() if self.checkpoint.exists() else None

    @by_main
    def result(self) -> Result | None:
        """The outcome, if the run is complete. RunError if it cannot be read."""
        file = self.path / "result.json"
        if not file.exists():
            return None
        try:
            result = Result.from_dict(json.loads(file.read_text(encoding="utf-8")))
            result.summary()  # needs all figures
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"{file} cannot be read ({error!r}); without it, resuming works it out again"
            ) from error
        return result


def inherited_weights(path: Path, space: Space) -> dict[str, Tensor]:
    """The supernet's weights as they stand in the run at `path`, on the CPU.

    In a complete run the batch norms hold the statistics of the architecture that was found.
    Raises RunError if there is no checkpoint, and what `CheckpointFile.load` raises.
    """
    checkpoint = CheckpointFile(path / "checkpoint.pt", space)
    if not checkpoint.exists():
        raise RunError(f"no checkpoint in {path}: it holds no run, or none that got that far")
    try:
        state = checkpoint.load()
        if "training" in state:
            raise RunError(
                f"{path} trains one architecture by itself: it has no supernet, and its model lies there"
            )
        weights: dict[str, Tensor] = state["search"]["engine"]["weights"]
    except (KeyError, TypeError) as error:
        raise BrokenCheckpoint(f"{checkpoint.path} holds no weights") from error
    return weights
