"""Recipes, `--set` and options with a flag: which of them holds, what is kept of it, and what can be wrong."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Run, codes
from tests.cli.images import SHORT, write_images

RECIPES = """
[base]
description = "of a paper"
optimizer = "spos"       # table 1
epochs = 3
lr = 0.5
data = "images.npz"

[short]
extends = "base"
epochs = 1
params = { classes = 3 }
"""


@pytest.fixture(autouse=True)
def files(home: Path) -> None:
    write_images(home)
    (home / "tiny.toml").write_text(RECIPES, encoding="utf-8")


def kept(run: Path) -> tuple[dict[str, object], str]:
    """The options of a run, and its copy of the recipe."""
    options: dict[str, object] = json.loads((run / "config.json").read_text())["options"]
    return options, (run / "recipe.toml").read_text()


def test_a_recipe_a_flag_and_set(run: Run, home: Path) -> None:
    """The defaults give way to the recipe, the recipe to flags, and these to `--set`."""
    given = ["--evaluations", "2", "--set", "lr=0.25", "--set", "random=0", "--set", "batch_size=16"]
    result = run("search", "tiny.tsp", "--recipe", "short", *given, "--out", "mine")
    assert result.exit_code == 0, result.stderr
    options, text = kept(home / "mine")
    wanted = {"optimizer": "spos", "epochs": 1, "lr": 0.25, "evaluations": 2, "random": 0, "clip": 5.0}
    assert wanted.items() <= options.items()
    origins = {
        line.split("=")[0].strip(): line.split("# ")[-1]
        for line in text.splitlines()
        if " = " in line and "#" in line
    }
    assert origins["optimizer"] == "recipe short" and origins["clip"] == "default"
    assert origins["evaluations"] == "its flag" and origins["lr"] == "--set"
    assert json.loads((home / "mine" / "space.json").read_text())["params"] == {"classes": 3}


def test_the_copy_is_a_recipe_again(run: Run, home: Path) -> None:
    run("search", "tiny.tsp", *SHORT, "--set", "beta2=0.99", "--out", "mine")
    assert tomllib.loads((home / "mine" / "recipe.toml").read_text())["run"]["beta2"] == 0.99
    again = run("search", "tiny.tsp", "--recipe", "mine/recipe.toml", "--out", "again")
    assert again.exit_code == 0, again.stderr
    assert kept(home / "again")[0] == kept(home / "mine")[0]


def test_a_run_with_a_recipe_is_resumed_without_it(run: Run, home: Path) -> None:
    run(
        "search",
        "tiny.tsp",
        "--recipe",
        "short",
        "--evaluations",
        "2",
        "--set",
        "batch_size=16",
        "--out",
        "mine",
    )
    (home / "mine" / "result.json").unlink()
    recipe = (home / "mine/recipe.toml").read_text()
    assert run("search", "tiny.tsp", "--out", "mine", "--resume").exit_code == 0
    assert run("search", "tiny.tsp", "--recipe", "short", "--out", "mine", "--resume").exit_code == 0
    assert (home / "mine/recipe.toml").read_text() == recipe  # which knows where values came from


@pytest.mark.parametrize(
    ("text", "code", "place", "message"),
    [
        ("[a]\nepochs = 0", "TSP0915", "tiny.toml:2:1", "epochs must be above 0"),
        ("[a]\nepoch = 1", "TSP0915", "tiny.toml:2:1", "there is no option epoch; did you mean epochs?"),
        ("[b]\nlr = -1.0\n[a]\nextends = 'b'", "TSP0915", "tiny.toml:2:1", "lr must be above 0"),
        ("[a]\nextends = 'a'", "TSP0919", "tiny.toml:2:1", "`a` extends itself"),
        ("[a]\nextends = 'c'", "TSP0919", "tiny.toml:2:1", "a recipe that is not there: `c`"),
        ("[a]\nsharing = 'none'", "TSP0919", "tiny.toml:2:1", "`sharing`"),
        ("lr = 1.0\n[a]", "TSP0919", "tiny.toml:1:1", "`lr` stands outside of every recipe"),
        ("[b]\nlr = 1.0", "TSP0919", "", "`tiny.toml` has no recipe `a`"),
        ("[a", "TSP0919", "", "`tiny.toml` is no TOML"),
    ],
)
def test_recipes_with_errors(run: Run, home: Path, text: str, code: str, place: str, message: str) -> None:
    (home / "tiny.toml").write_text(text, encoding="utf-8")
    result = run("search", "tiny.tsp", "--recipe", "a")
    assert result.exit_code != 0 and code in result.stderr
    assert message in result.stderr and place in result.stderr
    assert not (home / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["search", "tiny.tsp", "--set", "lr"], "TSP0915"),
        (["search", "tiny.tsp", "--set", "lr=fast"], "TSP0915"),
        (["search", "tiny.tsp", "--recipe", "none.toml:a"], "TSP0919"),
        (["search", "tiny.tsp", "--recipe", "tiny.toml"], "TSP0919"),
        (["search", "vit_mini", "--recipe", "drsan"], "TSP0919"),
        (["search"], "TSP0915"),
        (["search", "tiny.tsp", "--from", "runs/x"], "TSP0915"),
        (["search", "--from", "runs/x"], "TSP0911"),
    ],
)
def test_what_can_go_wrong(run: Run, arguments: list[str], code: str) -> None:
    assert codes(run(*arguments, "--json")) == [code]


def test_the_supernet_of_another_run(run: Run, home: Path) -> None:
    """It is searched again, not trained again; the run goes on only with the very same weights."""
    run("search", "tiny.tsp", *SHORT, "--optimizer", "spos", "--out", "mine")
    result = run("search", "--from", "mine", "--strategy", "evolution", "--evaluations", "6", "--json")
    assert result.exit_code == 0, result.stderr
    records = [
        json.loads(line) for line in (home / "mine-evolution" / "metrics.jsonl").read_text().splitlines()
    ]
    text = (home / "mine-evolution" / "recipe.toml").read_text()
    assert "# the run mine" in text and "evaluations         = 6  # its flag" in text
    assert {record["kind"] for record in records} == {"evolution", "random architectures to compare with"}
    assert codes(run("search", "--from", "mine", "--optimizer", "darts", "--out", "x", "--json")) == [
        "TSP0915"
    ]
    run("search", "tiny.tsp", *SHORT, "--optimizer", "spos", "--seed", "1", "--out", "other")
    (home / "mine" / "checkpoint.pt").write_bytes((home / "other" / "checkpoint.pt").read_bytes())
    (home / "mine-evolution" / "result.json").unlink()
    changed = run("search", "--from", "mine", "--resume", "--out", "mine-evolution", "--json")
    assert codes(changed) == ["TSP0911"]
