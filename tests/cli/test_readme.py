"""What the README shows is what happens."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Run

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SPACE = re.search(r"```\n(space tiny_vit.*?)```", README, re.DOTALL)[1]  # type: ignore[index]


def test_the_space(run: Run, home: Path) -> None:
    (home / "tiny_vit.tsp").write_text(SPACE, encoding="utf-8")
    assert run("check", "tiny_vit.tsp").exit_code == 0
    wrong = SPACE.replace("mlp(layer_norm(x), hidden=embed * 4)", "linear(x, 64)").replace(", mlp", "")
    (home / "wrong.tsp").write_text(wrong, encoding="utf-8")
    shown = run("check", "wrong.tsp").stderr.removesuffix("\n1 error\n")
    assert shown in README


@pytest.mark.parametrize("command", ["inspect autoformer_t", "cost vit_mini"])
def test_the_commands(run: Run, command: str) -> None:
    line, output = re.search(rf"\$ tanglec ({command}.*)\n((?:.*\n)+?)(?=\n?\$|```)", README).groups()  # type: ignore[union-attr]
    printed = run(*shlex.split(line)).stdout.splitlines()
    assert all(expected in printed for expected in output.splitlines() if expected != "  …")


def test_the_python() -> None:
    [text] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(text, "README.md", "exec"), names)
    torch = pytest.importorskip("torch")
    torch.testing.assert_close(names["y"], names["m"], atol=1e-5, rtol=1e-4)
    names["network"].eval()  # type: ignore[attr-defined]
    torch.testing.assert_close(names["network"](names["x"]), names["y"], atol=1e-5, rtol=1e-4)  # type: ignore[operator]
