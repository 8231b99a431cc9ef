"""Recipes: named sets of options for a space, in a TOML file beside it.

[drnas]
description = "TangleNAS, table 20"
data = "path/to/images"                 # optional, as of --data
optimizer = "drnas"
epochs = 100                            # any option of a search
params = { channels = 16 }              # of the space

[short]
extends = "drnas"                       # takes its values where it has none
epochs = 10
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tanglec.diagnostics import CompileError, Diagnostic
from tanglec.library import recipe_file
from tanglec.source import Source, Span
from tanglec.spelling import closest

_CODE = "TSP0919"


@dataclass(frozen=True)
class Recipe:
    """One recipe, with those that it extends. `spans` says where each option was written."""

    name: str
    source: Source
    description: str = ""
    data: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict)


def find_recipe(given: str, space: Source) -> Recipe:
    """`NAME` in the file beside the space, `FILE.toml:NAME`, or `FILE.toml` with a single recipe.

    Raises:
        CompileError: TSP0919, with a place in the file where there is one.
    """
    path, _, name = (
        given.rpartition(":") if ".toml" in given and not given.endswith(".toml") else (given, "", "")
    )
    if ".toml" not in given:
        source, name = recipes_beside(space), given
    else:
        file = recipe_file(Path(path))
        if file is None:
            raise _fail(f"there is no file `{path}`")
        source = file
    recipes = read_recipes(source)
    if not name and len(recipes) == 1:
        (name,) = recipes
    if name not in recipes:
        near = closest(name, recipes)
        raise _fail(
            f"`{source.path}` has no recipe `{name}`" if name else f"which recipe of `{source.path}`?",
            *([f"did you mean `{near}`?"] if near else []),
            f"there are {', '.join(recipes)}",
        )
    return recipes[name]


def recipes_beside(space: Source) -> Source:
    """The file of recipes beside a space. Raises `CompileError` (TSP0919)."""
    file = recipe_file(Path(space.path))
    if file is None:
        raise _fail(f"`{space.path}` has no recipes: there is no `{Path(space.path).stem}.toml` beside it")
    return file


def read_recipes(source: Source) -> dict[str, Recipe]:
    """All recipes of a file, in its order. Raises `CompileError` (TSP0919)."""
    try:
        tables = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        raise _fail(f"`{source.path}` is no TOML: {error}") from None
    for name, table in tables.items():
        if not isinstance(table, dict):
            title = f"`{name}` stands outside of every recipe"
            raise _at(source, "", name, title, "a recipe is a table: `[drnas]`, and its options below")
    return {name: _recipe(name, tables, source, ()) for name in tables}


def _recipe(name: str, tables: Mapping[str, Any], source: Source, below: tuple[str, ...]) -> Recipe:
    table = _checked(name, tables[name], source)
    base = Recipe(name, source)
    if table.extends is not None:
        chain = (*below, name)
        if table.extends in chain or table.extends not in tables:
            why = "extends itself" if table.extends in chain else "extends a recipe that is not there"
            raise _at(source, name, "extends", f"`{name}` {why}: `{table.extends}`")
        base = _recipe(table.extends, tables, source, chain)
    own = dict(table.model_extra or {})
    weights = {key: getattr(table, key) for key in ("sharing", "group_weight") if getattr(table, key)}
    spans = {key: span for key in own if (span := _span(source, name, key))}
    return Recipe(
        name,
        source,
        table.description or base.description,
        table.data or base.data,
        {**base.params, **table.params},
        {**base.weights, **weights},
        {**base.options, **own},
        {**base.spans, **spans},
    )


def _checked(name: str, table: Mapping[str, Any], source: Source) -> Any:
    """The table with what every recipe may say besides options. pydantic is loaded only where there is a recipe."""
    from pydantic import BaseModel, ConfigDict, Field, ValidationError

    class Table(BaseModel):
        model_config = ConfigDict(extra="allow", strict=True)
        description: str = ""
        extends: str | None = None
        data: str | None = None
        sharing: Literal["entangled", "separate"] | None = None
        group_weight: Literal["outside", "inside"] | None = None
        params: dict[str, bool | int | float | str] = Field(default_factory=dict)

    try:
        return Table(**table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0])
        raise _at(source, name, key, f"`{key}`: {first['msg'].lower()}") from None


def _span(source: Source, table: str, key: str) -> Span | None:
    """Where a key of a table is written; None if it is written in an unusual way."""
    header = re.search(rf"^\s*\[\s*{re.escape(table)}\s*\]", source.text, re.MULTILINE) if table else None
    start = header.end() if header else 0
    end = re.compile(r"^\s*\[", re.MULTILINE).search(source.text, start)
    place = re.compile(rf"^[ \t]*({re.escape(key)})[ \t]*[.=]", re.MULTILINE)
    found = place.search(source.text, start, end.start() if end else len(source.text))
    return Span(source, found.start(1), found.end(1)) if found else None


def _at(source: Source, table: str, key: str, title: str, *help: str) -> CompileError:
    return CompileError([Diagnostic(_CODE, title, _span(source, table, key), help=help)])


def _fail(title: str, *help: str) -> CompileError:
    return CompileError([Diagnostic(_CODE, title, help=help)])
