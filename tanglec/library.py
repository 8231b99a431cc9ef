"""Where spaces and their libraries are found: the user's files, and the spaces that ship.

Shipped spaces lie in `spaces/` of a checkout and inside this package in an installation. Either way they are
shown as `spaces/NAME.tsp`, so that neither messages nor generated files depend on where that is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePath

from tanglec.diagnostics import CompileError, Diagnostic
from tanglec.source import Source
from tanglec.spelling import closest

_PACKAGE = Path(__file__).parent
_FOLDER = "spaces"


def shipped() -> list[str]:
    """The names of the spaces that ship, sorted."""
    return sorted(path.stem for path in _shipped_folder().glob("*.tsp"))


def find_space(given: str | Path) -> Source:
    """The text of a space: of the file at a path, else of a shipped space by its name (`vit_mini`).

    `vit_mini` is the file `spaces/vit_mini.tsp` of the current directory if there is one, and so is the path.

    Raises:
        CompileError: no such file (TSP0901) or shipped space (TSP0913), or it cannot be read (TSP0901).
    """
    path = Path(given)
    if _is(path, Path.exists) and not path.is_dir():  # a file, or a pipe, as the shell's `<(…)` makes one
        return read_source(path)
    name = _shipped_name(path)
    if name is not None:
        here = Path(_FOLDER, f"{name}.tsp")
        return read_source(here if here.is_file() else _shipped_folder() / here.name, here)
    raise CompileError([_not_found(str(given), path)])


def recipe_file(path: Path) -> Source | None:
    """The recipes at a path, or beside the space at it (`NAME.toml`, for shipped spaces that which ships); None without any."""
    file = path.with_suffix(".toml")
    for place in (file, *([_shipped_folder() / file.name] if _shipped_name(path) else [])):
        if is_file(place):
            return read_source(place, file)
    return None


def libraries_for(path: Path) -> Callable[[str], Source | None]:
    """Finds libraries by the name that `use` gives, for the space at `path`.

    First `lib/NAME.tsp` and `NAME.tsp` next to the file, then the libraries that ship.
    """

    def find(name: str) -> Source | None:
        if _is(path, Path.is_file):
            for near in (path.parent / "lib" / f"{name}.tsp", path.parent / f"{name}.tsp"):
                if near.is_file() and near != path:
                    return read_source(near)
        own = Path("lib", f"{name}.tsp")
        return (
            read_source(_shipped_folder() / own, _FOLDER / own)
            if (_shipped_folder() / own).is_file()
            else None
        )

    return find


def read_source(path: Path, shown: PurePath | None = None) -> Source:
    """The text of a file, shown under its path or another. Raises `CompileError` (TSP0901)."""
    name = (shown or path).as_posix()
    try:
        return Source(name, path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        message = f"`{name}` is not text in UTF-8: byte {error.start} cannot be read"
    except OSError as error:
        message = f"`{name}` cannot be read: {(error.strerror or str(error)).lower()}"
    raise CompileError([Diagnostic("TSP0901", message)])


def is_folder(path: Path) -> bool:
    """Whether there is a directory at a path."""
    return _is(path, Path.is_dir)


def is_file(path: Path) -> bool:
    """Whether there is a file at a path."""
    return _is(path, Path.is_file)


def _is(path: Path, question: Callable[[Path], bool]) -> bool:
    """The answer; no where the system refuses to look, as it does at a name that is too long."""
    try:
        return question(path)
    except OSError:
        return False


def _shipped_folder() -> Path:
    installed = _PACKAGE / _FOLDER
    return installed if installed.is_dir() else _PACKAGE.parent / _FOLDER


def _shipped_name(path: Path) -> str | None:
    """`vit_mini`, `vit_mini.tsp` and `spaces/vit_mini.tsp` name a shipped space, if it exists."""
    named = path.suffix in ("", ".tsp") and path.parent in (Path(), Path(_FOLDER))
    return path.stem if named and path.stem in shipped() else None


def _not_found(given: str, path: Path) -> Diagnostic:
    if is_folder(path):
        return Diagnostic("TSP0901", f"`{given}` is a directory, not a `.tsp` file")
    near = closest(path.stem, shipped())
    if path.suffix == "" and path.parent == Path():
        title = f"there is no file `{given}`, and no shipped space of this name"
        guess = [f"did you mean `{near}`?"] if near else []
        return Diagnostic("TSP0913", title, help=(*guess, f"shipped are {', '.join(shipped())}"))
    beside = closest(path.name, (p.name for p in path.parent.glob("*.tsp")))
    guess = (
        [f"did you mean `{path.with_name(beside).as_posix() if beside else near}`?"] if beside or near else []
    )
    return Diagnostic("TSP0901", f"there is no file `{given}`", help=tuple(guess))
