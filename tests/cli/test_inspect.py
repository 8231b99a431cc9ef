"""`tanglec inspect`, `cost` and `spaces`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run, codes

PAGE = """\
tiny: A space for tests

  input          image: pixels(1, 8, 8)
  output         vector(3)
  architectures  12
  parameters     131 to 467
  multiply-adds  396 to 1,560

Dimensions
  width   whole network  4 | 8  1 position, 3 uses
  depth   whole network  1 | 2  1 position, 1 use
  hidden  per layer      4 | 8  2 positions, 2 uses

Groups (operations that mix choices, by the dimensions that meet in them)
  width (whole network)       single     1 conv        mask             network
                              single     1 layer_norm  moments          network
                              single     1 linear      mask, scale ≤ 5  network
  width × hidden (per layer)  separable  4 linear      mask, scale ≤ 1  layer
    mask       one evaluation, with the superposed weight
    scale ≤ n  up to n samples in a batch, channels are scaled instead, before and after: fewer numbers than weights
    moments    statistics of all widths at once

Memory of the supernet in training, an estimate at float32
  weights        1.8 KiB
  gradients      1.8 KiB
  AdamW's state  3.6 KiB
  activations    1.4 KiB a sample, all operations at their largest
"""


def test_inspect(run: Run) -> None:
    assert run("inspect", "tiny.tsp").stdout == PAGE


def test_inspect_for_programs(run: Run) -> None:
    seen = json.loads(run("inspect", "tiny.tsp", "--json", "--param", "classes=5").stdout)
    assert seen["params"] == {"classes": 5}
    assert seen["architectures"] == {"number": 12, "low": 12, "high": 12, "exact": True}
    assert [d["positions"] for d in seen["dimensions"]] == [1, 1, 2]
    joint = [g for g in seen["groups"] if g["dimensions"] == ["width", "hidden"]]
    assert [(g["operation"], g["kind"], g["lowering"], g["uses"]) for g in joint] == [
        ("linear", "separable", "mask", 4)
    ]


def test_how_often_a_loop_evaluates(run: Run) -> None:
    seen = json.loads(run("inspect", "language_model", "--json").stdout)
    assert [(g["operation"], g["evaluations"]) for g in seen["groups"] if g["lowering"] == "loop"] == [
        ("attend", 9)
    ]


def test_memory_is_that_of_the_largest(run: Run) -> None:
    seen = json.loads(run("inspect", "vit_mini", "--json").stdout)
    memory = seen["memory"]
    assert (
        memory["weights"] == memory["gradients"] == memory["adamw"] // 2 == 4 * seen["cost"]["params"]["max"]
    )


def test_cost(run: Run, arch: str) -> None:
    found = json.loads(run("cost", "tiny.tsp", "--arch", arch, "--json").stdout)
    conv, layer, head = 4 * 17, (4 * 8 + 8) + (8 * 4 + 4), 2 * 4 + (4 * 3 + 3)
    assert found == {"params": conv + layer + head, "macs": 4 * 16 * 4 + 4 * 2 * 32 + 12}
    assert "parameters" in run("cost", "tiny.tsp", "--arch", arch).stdout


def test_cost_of_a_file_and_of_no_architecture(run: Run, arch: str) -> None:
    Path("arch.json").write_text(arch, encoding="utf-8")
    by_file = run("cost", "tiny.tsp", "--arch", "arch.json", "--json")
    assert by_file.stdout == run("cost", "tiny.tsp", "--arch", arch, "--json").stdout
    assert codes(run("cost", "tiny.tsp", "--arch", '{"width": 5}', "--json")) == [
        "TSP0903",
        "TSP0903",
        "TSP0905",
    ]
    assert codes(run("cost", "tiny.tsp", "--arch", "nowhere.json", "--json")) == ["TSP0901"]


def test_spaces(run: Run) -> None:
    listed = {s["name"]: s for s in json.loads(run("spaces", "--json").stdout)}
    assert listed["vit_mini"]["architectures"]["number"] == 22113
    assert "vit_mini" in run("spaces").stdout
