"""The recipes that ship, and `tanglec recipes`."""

from __future__ import annotations

import json
import re
import tomllib
from fractions import Fraction
from pathlib import Path

import pytest

from tanglec.cli.analysis import analysed
from tanglec.library import shipped
from tanglec.recipes import Recipe, read_recipes
from tanglec.source import Source
from tanglert.train import Options
from tests.cli.conftest import Run, codes

SPACES = Path(__file__).parents[2] / "spaces"
OPTION = re.compile(r"^[a-z_0-9]+ += ")
WITHOUT_SOURCE = ("description", "extends", "data")


def recipes(space: str) -> dict[str, Recipe]:
    file = SPACES / f"{space}.toml"
    return read_recipes(Source(file.as_posix(), file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("space", shipped())
def test_every_recipe_holds_options_and_params_that_there_are(space: str) -> None:
    found = recipes(space)
    assert "small" in found  # for two cores
    for recipe in found.values():
        assert recipe.description
        Options.of(recipe.options)
    for params in {tuple(sorted(recipe.params.items())) for recipe in found.values()}:
        exact = {name: Fraction(str(v)) if isinstance(v, float) else v for name, v in params}
        assert analysed(space, exact).space.name == space


@pytest.mark.parametrize("space", shipped())
def test_every_value_names_its_source(space: str) -> None:
    for line in (SPACES / f"{space}.toml").read_text(encoding="utf-8").splitlines():
        if OPTION.match(line) and not line.startswith(WITHOUT_SOURCE):
            _, sign, source = line.rpartition("  # ")
            assert sign and source, line


def test_there_is_a_recipe_for_every_table_of_the_paper() -> None:
    """TangleNAS, Tables 20 to 24."""
    tables = {
        "toy_cell": {"drnas": 20, "spos": 21},
        "conv_macro": {"drnas": 20, "spos": 21},
        "language_model": {"drnas": 22},
        "darts": {"drnas": 23, "spos": 24},
        "nb201": {"drnas": 23, "spos": 24},
    }
    for space, named in tables.items():
        for name, table in named.items():
            assert f"Table {table}" in recipes(space)[name].description
    spos = recipes("darts")["spos"].options
    assert (spos["lr"], spos["min_lr"], spos["batch_size"], spos["epochs"]) == (0.025, 0.001, 256, 250)


def test_recipes_are_listed(run: Run) -> None:
    listed = json.loads(run("recipes", "toy_cell", "--json").stdout)
    assert {"small", "drnas", "spos", "gdas", "darts", "retrain"} <= set(listed)
    told = run("recipes", "toy_cell").stdout
    assert "drnas" in told and listed["drnas"] in told
    spaces = {space["name"]: space for space in json.loads(run("spaces", "--json").stdout)}
    assert spaces["toy_cell"]["recipes"] == list(listed)


def test_a_recipe_is_shown_with_every_option(run: Run) -> None:
    shown = run("recipes", "toy_cell", "gdas")
    table = tomllib.loads(shown.stdout)["run"]
    assert Options.of({k: v for k, v in table.items() if k not in ("data", "params")}).epochs == 250
    assert re.search(r'optimizer += "gdas"  # recipe gdas', shown.stdout)
    assert re.search(r"device += \"auto\"  # default", shown.stdout)


def test_what_is_not_there(run: Run) -> None:
    assert codes(run("recipes", "toy_cell", "drsan", "--json")) == ["TSP0919"]
    assert codes(run("recipes", "tiny.tsp", "--json")) == ["TSP0919"]
    assert codes(run("recipes", "nowhere", "--json")) == ["TSP0913"]
