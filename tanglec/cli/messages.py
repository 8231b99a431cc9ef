"""Diagnostics at the border: where they are printed, and what the exit code says."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import typer

from tanglec.diagnostics import CompileError, Diagnostic

DIAGNOSTICS, USAGE = 1, 2  # exit codes


class BadOption(CompileError):
    """A value that an option does not take; a matter of usage."""

    def __init__(self, title: str, *help: str) -> None:
        super().__init__([Diagnostic("TSP0915", title, help=help)])


def fail(code: str, title: str, *help: str) -> CompileError:
    """An error without a place in a file, to be raised."""
    return CompileError([Diagnostic(code, title, help=help)])


@contextmanager
def reported(format: str = "full") -> Iterator[None]:
    """Print the diagnostics of a `CompileError` and exit, with 2 for a `BadOption`, else with 1."""
    try:
        yield
    except CompileError as error:
        if is_main():
            show(error.diagnostics, format)
        raise typer.Exit(USAGE if isinstance(error, BadOption) else DIAGNOSTICS) from None


def is_main() -> bool:
    """Whether this process is to speak and write: the only one, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def show(diagnostics: Sequence[Diagnostic], format: str = "full") -> None:
    """Print diagnostics: `full` is for people and goes to stderr, the other formats are read by programs."""
    if not diagnostics and format != "json":
        return
    from tanglec.render import render

    stream = sys.stderr if format == "full" else sys.stdout
    stream.write(render(diagnostics, format, colour=coloured(stream)))
    stream.flush()


def coloured(stream: object) -> bool:
    """Whether colours are welcome: on a terminal, unless `NO_COLOR` is set (https://no-color.org)."""
    return getattr(stream, "isatty", lambda: False)() and not os.environ.get("NO_COLOR")


def one_of(*values: str) -> Callable[[str], str]:
    """The callback of an option that takes one of several words."""

    def check(value: str) -> str:
        if value not in values:
            raise typer.BadParameter(f"one of {', '.join(values)}")
        return value

    return check
