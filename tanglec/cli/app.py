"""The command `tanglec`: one file a command; what a command needs is imported when it runs."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from tanglec.cli.check import check
from tanglec.cli.compare import compare
from tanglec.cli.compile import compile_
from tanglec.cli.cost import cost
from tanglec.cli.derive import derive
from tanglec.cli.evaluate import evaluate
from tanglec.cli.explain import explain
from tanglec.cli.inspect import inspect
from tanglec.cli.recipes import recipes
from tanglec.cli.report import report
from tanglec.cli.search import search
from tanglec.cli.spaces import spaces
from tanglec.cli.train import train

app = typer.Typer(
    name="tanglec",
    help="Compile declarative search spaces (.tsp files) to PyTorch supernets, and search them.\n\n"
    "Exit codes: 0 fine, 1 diagnostics, 2 usage, 130 a search that was stopped and saved.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

COMMANDS = (
    check, inspect, cost, compile_, recipes, search, train, evaluate, compare, report, derive, spaces, explain,
)  # fmt: skip

for command in COMMANDS:
    app.command(name=command.__name__.rstrip("_"))(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        from tanglec import __version__

        typer.echo(f"tanglec {__version__}")
        raise typer.Exit()


@app.callback()
def tanglec(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """The entry point of the console script."""
    if isinstance(sys.stdout, TextIOWrapper):
        # File names need not be text in UTF-8, nor a terminal able to show all that is; `\udcff` is fine in JSON.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            app()
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
