"""Files that may be compressed with gzip."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from tanglert.data.errors import DataError


def read_bytes(path: Path) -> bytes:
    """A file's content, decompressed if its name ends in .gz. DataError if it cannot be read."""
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
