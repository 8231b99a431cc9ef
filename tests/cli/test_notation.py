"""Architectures in the field's notations on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import SPACE, Run, codes

DECLARED = SPACE.replace("block layer", "notation paper: num_layers=depth, hidden_dims=hidden\nblock layer")
PASTED = "num_layers: 2, width: 8, hidden_dims: [4, 8]"
EDGES = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"


@pytest.fixture
def declared(home: Path) -> Path:
    (home / "tiny.tsp").write_text(DECLARED, encoding="utf-8")
    return home


def test_cost_reads_and_shows_them(run: Run, declared: Path) -> None:
    text = '{"num_layers": 2, "hidden_dims": [4, 8], "width": 8}'
    assert run("cost", "tiny.tsp", "--arch", PASTED).stdout.splitlines()[-1] == f"paper          {text}"
    found = json.loads(run("cost", "tiny.tsp", "--arch", PASTED, "--json").stdout)
    assert found["notation"] == text
    own = '{"width": 8, "depth": 2, "hidden": [4, 8]}'
    assert json.loads(run("cost", "tiny.tsp", "--arch", own, "--json").stdout) == found


def test_a_notation_by_its_name(run: Run) -> None:
    shown = run("cost", "nb201", "--arch", EDGES, "--notation", "digits", "--json")
    assert json.loads(shown.stdout)["notation"] == "301001"
    assert json.loads(run("cost", "nb201", "--arch", "301001", "--json").stdout)["notation"] == EDGES
    unknown = run("cost", "nb201", "--arch", EDGES, "--notation", "ofa", "--json")
    assert (unknown.exit_code, codes(unknown)) == (2, ["TSP0915"])


def test_a_file_is_a_file_whatever_its_name(run: Run, declared: Path) -> None:
    (declared / "a=b: (1)").write_text(PASTED, encoding="utf-8")
    (declared / "quoted.json").write_text(f'"{EDGES}"', encoding="utf-8")
    assert run("cost", "tiny.tsp", "--arch", "a=b: (1)").exit_code == 0
    assert run("cost", "nb201", "--arch", "quoted.json").exit_code == 0
    assert codes(run("cost", "tiny.tsp", "--arch", "no such file", "--json")) == ["TSP0901"]


def test_a_mistake_is_shown_in_the_text(run: Run) -> None:
    result = run("cost", "nb201", "--arch", EDGES.replace("~2", "~3"))
    assert "--> architecture:1:70" in result.stderr and "wanted is one of 0, 1, 2" in result.stderr


def test_derive_says_what_it_derived(run: Run, declared: Path) -> None:
    result = run("derive", "tiny.tsp", "--arch", PASTED, "-o", "model.py", "--json")
    assert json.loads(result.stdout)["notation"].startswith('{"num_layers": 2')
    assert json.loads(result.stdout)["architecture"] == {"width": 8, "depth": 2, "hidden": [4, 8]}
    assert "\npaper: {" in run("derive", "tiny.tsp", "--arch", PASTED, "-o", "model.py").stdout


def test_a_search_writes_what_it_found(run: Run, declared: Path) -> None:
    images = np.zeros((48, 8, 8), np.uint8)
    np.savez("images.npz", x_train=images, y_train=np.arange(48) % 3, x_test=images, y_test=np.arange(48) % 3)
    short = ("--data", "images.npz", "--epochs", "1", "--out", "mine", "--json")
    result = json.loads(run("search", "tiny.tsp", "--optimizer", "spos", "--evaluations", "2", *short).stdout)
    told = (declared / result["files"]["architecture.txt"]).read_text(encoding="utf-8")
    assert json.loads(told)["num_layers"] == result["architecture"]["depth"]
    again = json.loads(run("derive", "mine", "--arch", "mine/architecture.txt", "--json").stdout)
    assert (again["architecture"], again["notation"]) == (result["architecture"], told.strip())
