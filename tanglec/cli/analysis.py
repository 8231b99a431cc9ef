"""A space, analysed, as the commands need it; nothing of code generation is imported here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path

from tanglec.diagnostics import CompileError, Diagnostic, Sink
from tanglec.driver import Options, analyse
from tanglec.ir.extents import Position, Scalar
from tanglec.ir.nodes import Space
from tanglec.library import find_space, is_file, libraries_for, read_source
from tanglec.record import record
from tanglec.source import Source

Params = Mapping[str, Scalar]


@record()
class Analysed:
    """A space without errors; its text, those of the libraries that it uses by name, and warnings."""

    space: Space
    source: Source
    libraries: Mapping[str, Source] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()


def analysed(given: str | Path, params: Params | None = None, **options: str) -> Analysed:
    """The space of a file or of a name; `options` as of the driver. Raises `CompileError` with every diagnostic."""
    source = find_space(given)
    return analysed_source(source, libraries_for(Path(source.path)), params, **options)


def analysed_source(
    source: Source, find: Callable[[str], Source | None], params: Params | None = None, **options: str
) -> Analysed:
    """The space of a text, its libraries found by `find`. Raises `CompileError` with every diagnostic."""
    used: dict[str, Source] = {}

    def library(name: str) -> Source | None:
        found = find(name)
        if found is not None:
            used[name] = found
        return found

    sink = Sink()
    space = analyse(source, library, Options(params or {}, **options), sink)
    if space is None:
        raise CompileError(sink.diagnostics)
    return Analysed(space, source, used, tuple(sink.diagnostics))


def architecture(given: str, space: Space) -> dict[Position, Scalar]:
    """`--arch`: text in JSON or a notation of the space, or the path of a file that holds one. Raises `CompileError`."""
    from tanglec.architecture import read_architecture
    from tanglec.notation import looks_like_text

    given = given.removeprefix("\ufeff")
    is_text = looks_like_text(given) and not is_file(Path(given))
    sink = Sink()
    assignment = read_architecture(given if is_text else read_source(Path(given)), space, sink)
    sink.check()
    assert assignment is not None
    return assignment
