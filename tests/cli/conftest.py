"""The command line, run inside the test's process, in an empty directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tanglec.cli.app import app

SPACE = """space tiny "A space for tests"

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

ARCH = {"width": 4, "depth": 1, "hidden": [8, None]}

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with the space `tiny.tsp`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.tsp").write_text(SPACE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(home: Path) -> Run:
    """`run("check", "tiny.tsp")`: the outcome, with `exit_code`, `stdout` and `stderr`."""

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception  # a traceback, which users must never see
        return result

    return invoke


@pytest.fixture
def arch() -> str:
    return json.dumps(ARCH)


def codes(result: Result | subprocess.CompletedProcess[str]) -> list[str]:
    """The codes of the diagnostics that `--json` or `--format json` printed."""
    printed: dict[str, Any] = json.loads(result.stdout)
    return [d["code"] for d in printed["diagnostics"]]


def python(code: str) -> subprocess.CompletedProcess[str]:
    """A text run by a Python of its own, which finds the packages of this checkout."""
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(root), str(root / "runtime")])
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
