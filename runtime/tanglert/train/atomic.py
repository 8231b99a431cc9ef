"""Files that are replaced as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def replace_text(path: Path, text: str) -> None:
    """Writes `text` beside `path` and renames it into place. OSError, naming `path`, leaves what was there."""
    with beside(path) as file:
        file.write(text.encode())
    os.replace(partial(path), path)
    sync_folder(path.parent)


def append_text(path: Path, text: str) -> None:
    """Adds `text` at the end. OSError, naming `path`; a part of the text may be there then."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def beside(path: Path) -> Iterator[BinaryIO]:
    """A file `partial(path)` to write, on the disk at the end. If that fails (a full disk) it is taken away again."""
    try:
        with partial(path).open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        partial(path).unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


def partial(path: Path) -> Path:
    """Where a file is written until it is whole."""
    return path.with_name(path.name + ".partial")


def sync_folder(folder: Path) -> None:
    """Makes renames in `folder` last through a power cut, where the system can. OSError names it."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(folder)) from error
        finally:
            os.close(descriptor)
