"""Checkpoints: written whole or not at all, checked when read, the last good one kept."""

from __future__ import annotations

import os
import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from tanglert.space import Space
from tanglert.train.atomic import beside, partial, sync_folder

FORMAT = 1


class BrokenCheckpoint(RuntimeError):
    """A checkpoint that cannot be read, or does not hold what it should."""


class ForeignCheckpoint(RuntimeError):
    """A checkpoint of another space, or of another version of its source."""


class CheckpointFile:
    """The checkpoint at `path` of a run over `space`; the one before it is kept beside as `*.previous`."""

    def __init__(self, path: Path, space: Space) -> None:
        self.path, self.space = path, space
        self.previous = path.with_name(path.name + ".previous")

    def exists(self) -> bool:
        """Whether there is anything to load."""
        return self.path.exists() or self.previous.exists()

    def save(self, state: dict[str, Any]) -> None:
        """Writes `state` (tensors, plain values); a kill or a full disk leaves a whole checkpoint in place."""
        record = {"format": FORMAT, "space": self.space.name, "source": self.space.source, "state": state}
        with beside(self.path) as file:
            torch.save(record, file)
        if self.path.exists():
            os.replace(self.path, self.previous)
        os.replace(partial(self.path), self.path)
        sync_folder(self.path.parent)

    def load(self) -> dict[str, Any]:
        """The last state, on the CPU; if its file is broken, the one before, with a warning.

        Raises BrokenCheckpoint if neither can be read, ForeignCheckpoint if they are of another space.
        """
        try:
            return self._read(self.path)
        except BrokenCheckpoint as error:
            try:
                state = self._read(self.previous)
            except BrokenCheckpoint:
                raise error from None  # of the two, the one that was to be read
            if self.path.exists():
                warnings.warn(f"{error}; going on from the one before it", stacklevel=2)
            return state

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            with zipfile.ZipFile(path) as archive:  # torch's reader does not look at the checksums
                damaged = archive.testzip()
            if damaged is not None:
                raise BrokenCheckpoint(f"checkpoint {path} is damaged (in {damaged})")
            record = torch.load(path, map_location="cpu", weights_only=True)
        except (
            OSError,
            RuntimeError,
            pickle.UnpicklingError,
            zipfile.BadZipFile,
            EOFError,
            KeyError,
        ) as error:
            if isinstance(error, BrokenCheckpoint):
                raise
            if isinstance(
                error, pickle.UnpicklingError
            ):  # torch would advise to run whatever code the file holds
                raise BrokenCheckpoint(
                    f"checkpoint {path} cannot be read: it holds more than tensors and plain values"
                ) from error
            raise BrokenCheckpoint(f"checkpoint {path} cannot be read ({error})") from error
        self._check(path, record)
        state: dict[str, Any] = record["state"]
        return state

    def _check(self, path: Path, record: Any) -> None:
        wanted = {"format", "space", "source", "state"}
        if not isinstance(record, dict) or not wanted <= set(record) or record["format"] != FORMAT:
            raise BrokenCheckpoint(f"{path} is not a checkpoint of format {FORMAT}")
        if record["space"] != self.space.name:
            raise ForeignCheckpoint(
                f"{path} is a checkpoint of space `{record['space']}`, not of `{self.space.name}`"
            )
        if record["source"] != self.space.source:
            raise ForeignCheckpoint(
                f"{path} was made with another version of space `{self.space.name}` (source"
                f" {record['source'][:12]}…, now {self.space.source[:12]}…); its weights may mean something"
                " else. Start a new run"
            )
