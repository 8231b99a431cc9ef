"""Folders of runs as a search leaves them, made by hand: nothing is trained here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tanglec.cli.analysis import analysed_source
from tanglec.cli.run_folder import texts
from tanglec.source import Source

LAYERS = """space tiny "TITLE"

param classes = 3
input image: pixels(1, 8, 8)

dim width: 4 | 8
dim depth: 1 | 2
dim hidden per layer: 4 | 8

block layer(x):
    return x + linear(gelu(linear(x, hidden)), width)

network:
    x = to_tokens(conv(image, width, kernel=4, stride=4, padding=0))
    repeat depth:
        x = layer(x)
    return linear(mean(layer_norm(x)), classes)
"""

CELLS = """space tiny_cells "Cells"

param classes = 3
input image: pixels(1, 8, 8)

dim op per edge of cell: none | skip | conv_3x3

block edge(x):
    return choose op:
        none: zero(x)
        skip: x
        conv_3x3: conv(relu(x), width(x), kernel=3)

block cell(x):
    return dag([x], nodes=2, edge=edge)[2]

network:
    x = conv(image, 4, kernel=3)
    repeat 2:
        x = cell(x)
    return linear(global_pool(x), classes)
"""

ARCH = {"width": 4, "depth": 1, "hidden": [8, None]}
WIDE = {"width": 8, "depth": 2, "hidden": [8, 4]}


def epoch(number: int, arch: Mapping[str, Any], probabilities: Mapping[str, Any]) -> dict[str, Any]:
    measures = {
        "train_loss": 2 / number,
        "valid_loss": 2.1 / number,
        "valid_accuracy": 0.3 * number,
        "lr": 0.1 / number,
    }
    known = {"kind": "epoch", "epoch": number, "step": 10 * number, "seconds": 1.5 * number}
    return {**known, **measures, "arch": arch, "probabilities": probabilities}


def learned(number: int) -> dict[str, Any]:
    p = 0.5 + 0.1 * number
    return {"width": [p, 1 - p], "depth": [p, 1 - p], "hidden": [[1 - p, p], [0.5, 0.5]]}


RESULT: dict[str, Any] = {
    "space": "tiny", "optimizer": "drnas", "architecture": ARCH, "params": 1, "macs": 1, "metric": "accuracy", "higher": True,
    "test": {"loss": 1.0, "accuracy": 0.625}, "validation": {"accuracy": 0.6}, "mixture": {"accuracy": 0.65},
    "random": [0.5, 0.7, 0.55], "held_out": 2000, "seconds": 75.0, "front": [],
}  # fmt: skip

CONFIG: dict[str, Any] = {
    "space": "tiny", "source": "abc", "data": "some data", "data_sha256": "0123", "device": "cpu",
    "options": {"optimizer": "drnas", "epochs": 3, "penalty": {"macs": 0.1}}, "versions": {"torch": "9.9"},
}  # fmt: skip

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """`make(lines, result=…)`: the folder of a run of a space, by default of layers and with nothing done yet."""

    def made(
        lines: list[dict[str, Any]] | None = None,
        result: Mapping[str, Any] | None = None,
        arch: Mapping[str, Any] | None = None,
        space: str = LAYERS.replace("TITLE", "A space for tests"),
        config: Mapping[str, Any] = CONFIG,
    ) -> Path:
        folder = tmp_path / "run"
        folder.mkdir()
        analysed = analysed_source(Source("tiny.tsp", space), lambda name: None)
        files = texts(analysed, {}, {}, "") | {"config.json": json.dumps(config)}
        if lines is not None:
            files["metrics.jsonl"] = "".join(json.dumps(line) + "\n" for line in lines)
        if result is not None:
            files["result.json"] = json.dumps(result)
        if arch is not None:
            files["architecture.json"] = json.dumps(arch)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return made


@pytest.fixture
def complete(make: Make) -> Path:
    """A complete run with epochs, a search over architectures, and random ones."""
    kinds = {"NSGA-II": (ARCH, WIDE), "random architectures to compare with": (WIDE, ARCH)}
    ranked = [
        {"kind": kind, "arch": arch, "loss": 1.0, "accuracy": 0.5 + 0.1 * i}
        for kind, archs in kinds.items()
        for i, arch in enumerate(archs)
    ]
    return make([*(epoch(n, ARCH, learned(n)) for n in (1, 2, 3)), *ranked], RESULT, ARCH)
