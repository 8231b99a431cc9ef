"""Arguments that several commands take, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated

import typer

from tanglec.cli.messages import BadOption, one_of
from tanglec.diagnostics import FORMATS
from tanglec.ir.extents import Scalar

File = Annotated[str, typer.Argument(metavar="FILE", help="A .tsp file, or the name of a shipped space.")]
Files = Annotated[list[str], typer.Argument(metavar="FILE…", help=".tsp files, or names of shipped spaces.")]
Params = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE", help="Override a `param` of the file; may be repeated."),
]
Sharing = Annotated[
    str,
    typer.Option(
        "--sharing",
        callback=one_of("entangled", "separate"),
        help="entangled, or separate: every arm of a `choose` has weights of its own (plain weight sharing).",
    ),
]
GroupWeight = Annotated[
    str,
    typer.Option(
        "--group-weight",
        callback=one_of("outside", "inside"),
        help="Where the probability of entangled arms goes: outside, on their value, or inside their weights only,"
        " as the reference of TangleNAS has it.",
    ),
]
RecipeName = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        metavar="NAME|FILE.toml:NAME",
        help="A named set of options, from the TOML file beside the space; `tanglec recipes SPACE` lists them.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="OPTION=VALUE", help="Set any option of a recipe; may be repeated."),
]
NotationName = Annotated[
    str | None,
    typer.Option(
        "--notation",
        metavar="NAME",
        help="Show the architecture in this notation: one that the space declares, nasbench201,"
        " genotype or digits. [default: the first that it has]",
    ),
]
AsJSON = Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")]
Format = Annotated[
    str,
    typer.Option("--format", callback=one_of(*FORMATS), help="Of messages: full, concise, json or github."),
]

_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,2})?", re.ASCII)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_WORDS = {"true": True, "True": True, "false": False, "False": False}


def read_params(given: Sequence[str] | None) -> dict[str, Scalar]:
    """`["classes=10", "act=relu"]` as values: numbers are exact, `true` and `false`, names.

    Raises:
        CompileError: TSP0915, not of this form.
    """
    return dict(map(_read_param, given or ()))


def _read_param(text: str) -> tuple[str, Scalar]:
    name, sign, value = (part.strip() for part in text.partition("="))
    if not sign or not _NAME.fullmatch(name):
        raise BadOption(f"`--param {text}` is not of the form NAME=VALUE", "e.g. --param classes=10")
    if value in _WORDS:
        return name, _WORDS[value]
    if _NUMBER.fullmatch(value):
        number = Fraction(value)
        return name, number.numerator if number.denominator == 1 else number
    if _NAME.fullmatch(value):
        return name, value
    title = f"`--param {text}`: `{value}` is no value of a param"
    raise BadOption(title, "a number, true, false, or a name")
