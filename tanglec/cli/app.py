"""The command `tanglec`: one file a command, imported when it is asked for, and what it needs when it runs."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any

import typer

COMMANDS = (
    "check", "inspect", "cost", "compile", "recipes", "search", "train", "evaluate", "compare", "report", "derive",
    "spaces", "explain",
)  # fmt: skip
_BRIEF = (
    "check",
    "inspect",
    "cost",
    "compile",
    "recipes",
    "spaces",
    "explain",
)  # those that neither train nor draw


def application(commands: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command line with some of its commands: reading the signatures of all takes longer than parsing a space."""
    made = typer.Typer(
        name="tanglec",
        help="Compile declarative search spaces (.tsp files) to PyTorch supernets, and search them.\n\n"
        "Exit codes: 0 fine, 1 diagnostics, 2 usage, 130 a search that was stopped and saved.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    made.callback()(tanglec)
    for name in commands:
        module = import_module(f"tanglec.cli.{name}")
        made.command(name=name)(getattr(module, "compile_" if name == "compile" else name))
    return made


def __getattr__(name: str) -> Any:
    """`app`, the whole command line, is made where it is asked for."""
    if name != "app":
        raise AttributeError(f"module `{__name__}` has no `{name}`")
    return application()


def _print_version(wanted: bool) -> None:
    if wanted:
        from tanglec import __version__

        typer.echo(f"tanglec {__version__}")
        raise typer.Exit()


def tanglec(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _asked(arguments: list[str]) -> Iterable[str]:
    """The command that comes first, or all where there is something else: a help page lists them."""
    return arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without garbage collection: what a compiler makes it keeps, and to go through all of it, as Python also does when it
    ends, takes a tenth of the time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()


def main() -> None:
    """The entry point of the console script."""
    if isinstance(sys.stdout, TextIOWrapper):
        # File names need not be text in UTF-8, nor a terminal able to show all that is; `\udcff` is fine in JSON.
        sys.stdout.reconfigure(errors="backslashreplace")
    asked = _asked(sys.argv[1:])
    try:
        try:
            with _uncollected() if set(asked) <= set(_BRIEF) else nullcontext():
                application(asked)()
        finally:
            if sys.stdout is not None:  # `>&-`
                sys.stdout.flush()
    except (
        OSError
    ) as error:  # the reader of a pipe has gone, or a disk is full: commands report their own files
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(
                f"tanglec: the output cannot be written: {(error.strerror or str(error)).lower()}\n"
            )
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries again when it ends
        sys.exit(1)
