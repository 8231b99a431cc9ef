"""`tanglec explain`: the page of a code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tanglec.cli.messages import BadOption, coloured, reported


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Such as TSP0304; 304 is enough.")],
) -> None:
    """Explain a message by its code, with an example.

    \b
    Examples:
      tanglec explain TSP0304
      tanglec explain 304
    """
    from tanglec.codes import explain as page

    with reported():
        try:
            text = page(code)
        except KeyError:
            help = "messages show theirs in brackets, such as error[TSP0304]"
            raise BadOption(f"there is no code `{code}`", help) from None
    if coloured(sys.stdout):
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        print(text, end="")
