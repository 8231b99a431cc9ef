"""`tanglec recipes`: the recipes of a space."""

from __future__ import annotations

from typing import Annotated

import typer

from tanglec.cli.arguments import AsJSON

Space = Annotated[str, typer.Argument(metavar="SPACE", help="A .tsp file, or the name of a shipped space.")]
Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME|FILE.toml:NAME", help="Show this one with every option.", show_default=False
    ),
]


def recipes(space: Space, name: Name = None, json: AsJSON = False) -> None:
    """List the recipes of a space, named sets of options for `search` and `train`, or show one with every option.

    They stand in the TOML file beside the space, where comments say where each value comes from.

    \b
    Examples:
      tanglec recipes toy_cell
      tanglec recipes toy_cell drnas
    """
    from json import dumps

    from tanglec.cli.messages import reported

    with reported("json" if json else "full"):
        found = _listed(space) if name is None else _resolved(space, name)
    if json:
        print(dumps(found, indent=2))
    elif isinstance(found, str):
        print(found, end="")
    else:
        from tanglec.cli.tables import table

        print("\n".join(table(found.items(), indent="")))


def _listed(space: str) -> dict[str, str]:
    """Descriptions by name."""
    from tanglec.library import find_space
    from tanglec.recipes import read_recipes, recipes_beside

    found = read_recipes(recipes_beside(find_space(space)))
    return {name: recipe.description for name, recipe in found.items()}


def _resolved(space: str, name: str) -> str:
    """A recipe as TOML, with every option and where its value comes from."""
    from tanglec.cli.settings import settings
    from tanglec.cli.training import need_torch
    from tanglec.library import find_space

    need_torch()  # the options are the runtime's
    return settings(name, find_space(space), {}, None, None, {}, {}).text()
