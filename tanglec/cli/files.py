"""Files that are written as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tanglec.cli.messages import fail


def write_all(files: Mapping[Path, str | bytes]) -> None:
    """Write every file under a temporary name, then rename them all; on an error nothing was replaced.

    Raises:
        CompileError: TSP0902, naming the file.
    """
    partial = {path: path.with_name(f".{path.name}.{os.getpid()}.new") for path in files}
    path = Path()
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise IsADirectoryError(0, "is a directory")
            partial[path].write_bytes(content.encode() if isinstance(content, str) else content)
        for path, temporary in partial.items():
            os.replace(temporary, path)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise fail("TSP0902", f"`{path.as_posix()}` cannot be written: {reason}") from None
    finally:
        for temporary in partial.values():
            with suppress(OSError):
                temporary.unlink()
