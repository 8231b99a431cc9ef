"""The parser's tables: made from `grammar/tsp.lark` once, then read from the user's cache directory (60 -> 7 ms)."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from lark import Lark
from lark import __version__ as lark_version

from tanglec.syntax.layout import Layout
from tanglec.syntax.lexer import Lexer


@cache
def tables() -> Lark:
    """The parser; a cache that cannot be read or written costs time and nothing else."""
    grammar = _grammar().read_text(encoding="utf-8")
    path = _cache_path(grammar)
    if path is not None:
        # A file from a lark that was half updated can fail in any way at all; it is then made again.
        with suppress(Exception):
            return Lark.load(io.BytesIO(path.read_bytes()))
    lark = Lark(
        grammar,
        parser="lalr",
        start="module",
        postlex=Layout(),
        propagate_positions=True,
        _plugins={"ContextualLexer": Lexer},
    )
    if path is not None:
        with suppress(OSError):
            _store(lark, path)
    return lark


def _grammar() -> Path:
    """`grammar/` lies inside the installed package, and beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "grammar" / "tsp.lark"
    return inside if inside.exists() else package.parent / "grammar" / "tsp.lark"


def _cache_path(grammar: str) -> Path | None:
    """Where the tables lie, or None where nobody but the user can be kept from writing there.

    The file is a pickle: whoever can write it can run code as the user.
    """
    version = f"{grammar}\n{lark_version}\n{sys.version}\n{Lexer.__module__}"
    name = f"tsp-{hashlib.sha256(version.encode()).hexdigest()[:20]}.tables"
    try:
        directory = _cache_root() / "tanglec"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        return None
    if os.name == "posix" and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        return None
    return directory / name


def _cache_root() -> Path:
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if local := os.environ.get("LOCALAPPDATA"):
        return Path(local)
    return Path.home() / ".cache"


def _store(lark: Lark, path: Path) -> None:
    """Write to a new file and rename it, so that a reader never sees half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            lark.save(file)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
