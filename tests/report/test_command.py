"""`tanglec report` from the outside."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tanglec.cli.app import app
from tests.cli.conftest import python
from tests.report.conftest import ARCH, Make


def test_the_page_is_put_into_the_folder(complete: Path) -> None:
    pytest.importorskip("plotly")
    result = CliRunner().invoke(app, ["report", str(complete)])
    assert (result.exit_code, result.stdout) == (0, f"wrote {(complete / 'report.html').as_posix()}\n")
    assert (complete / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_it_can_go_elsewhere(complete: Path, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    out = tmp_path / "pages" / "mine.html"
    assert CliRunner().invoke(app, ["report", str(complete), "--out", str(out)]).exit_code == 0
    assert [p.name for p in out.parent.iterdir()] == ["mine.html"]


def test_no_run(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert result.exit_code == 1 and "TSP0911" in result.stderr


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_broken_architecture(make: Make, text: str) -> None:
    folder = make()
    (folder / "architecture.json").write_text(text)
    result = CliRunner().invoke(app, ["report", str(folder)])
    assert result.exit_code == 1 and "TSP0911" in result.stderr


def test_a_broken_result(make: Make) -> None:
    result = CliRunner().invoke(app, ["report", str(make(result={"architecture": ARCH}))])
    assert result.exit_code == 1 and "TSP0911" in result.stderr


def test_without_plotly(complete: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    result = CliRunner().invoke(app, ["report", str(complete)])
    assert result.exit_code == 1
    assert "TSP0912" in result.stderr and "pip install 'tanglec[report]'" in result.stderr
    assert not (complete / "report.html").exists()


def test_torch_is_not_needed(complete: Path) -> None:
    pytest.importorskip("plotly")
    code = f"""
import sys
sys.modules["torch"] = None
sys.argv = ["tanglec", "report", {str(complete)!r}]
from tanglec.cli.app import main
main()
"""
    done = python(code)
    assert done.returncode == 0 and "wrote" in done.stdout, done.stderr
