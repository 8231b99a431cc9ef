"""The folder of a run: options, sources, metrics, checkpoint, architecture, result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from tanglert.arch import ArchBase
from tanglert.space import Space
from tanglert.train.atomic import replace_text
from tanglert.train.checkpoint import BrokenCheckpoint, CheckpointFile, ForeignCheckpoint
from tanglert.train.result import Result


def _other_data(run: Path, before: str, now: str) -> str:
    if before == now:
        return f"{now} has changed since the run in {run} was started. Start a new run"
    return f"{run} was run on data {before}, and {now} is not the same"


class RunError(ValueError):
    """A folder that cannot take this run, or holds another one."""


class RunFolder:
    """`path` with config.json, metrics.jsonl, checkpoint.pt, architecture.json, result.json and given texts.

    A new run wants a folder without a run in it; a resumed one wants one with the same space, data (wherever
    it lies) and options (the device may differ). Raises RunError or ForeignCheckpoint otherwise.
    """

    def __init__(
        self,
        path: Path,
        space: Space,
        config: Mapping[str, Any],
        resume: bool,
        texts: Mapping[str, str] | None = None,
    ) -> None:
        self.path, self.space = path, space
        self.checkpoint = CheckpointFile(path / "checkpoint.pt", space)
        self.lines = 0
        before = self._config()
        if resume:
            self._compare(before, config)
        elif before is not None:
            raise RunError(f"{path} already holds a run: resume it, or write to another folder")
        else:
            self.write(texts or {})
            self.write({"config.json": json.dumps(config, indent=2) + "\n"})  # last: with it, this is a run

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
        if before["data_sha256"] != config["data_sha256"]:
            raise RunError(_other_data(self.path, before["data"], config["data"]))
        for name, value in config["options"].items():
            if name != "device" and before["options"].get(name) != value:
                raise RunError(
                    f"{self.path} was started with {name} {before['options'].get(name)}, not {value}: resume"
                    " with the options it was started with"
                )

    def write(self, texts: Mapping[str, str]) -> None:
        """Text files by name: the source of the space, the generated module."""
        for name, text in texts.items():
            replace_text(self.path / name, text)

    def log(self, record: Mapping[str, Any]) -> None:
        """Appends one JSON line to the metrics."""
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self.lines += 1

    def rewind(self, lines: int) -> None:
        """Drops the metrics that were written after the checkpoint, and a line that was cut short."""
        file = self.path / "metrics.jsonl"
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        kept = [line for line in text.splitlines(keepends=True)[:lines] if line.endswith("\n")]
        replace_text(file, "".join(kept))
        self.lines = len(kept)

    def write_architecture(self, arch: ArchBase) -> None:
        """The architecture that the search would give now."""
        replace_text(self.path / "architecture.json", arch.to_json() + "\n")

    def write_result(self, result: Result) -> None:
        """The outcome; with it the run is complete."""
        replace_text(self.path / "result.json", result.to_json())

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
        weights: dict[str, Tensor] = checkpoint.load()["search"]["engine"]["weights"]
    except (KeyError, TypeError) as error:
        raise BrokenCheckpoint(f"{checkpoint.path} holds no weights") from error
    return weights
