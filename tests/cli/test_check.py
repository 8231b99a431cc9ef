"""`tanglec check`, `explain`, and what all commands share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tanglec.codes import ENTRIES
from tests.cli.conftest import Run, codes, python

COMMANDS = ("check", "inspect", "cost", "compile", "search", "derive", "spaces", "explain")


def test_a_file_without_errors(run: Run) -> None:
    result = run("check", "tiny.tsp")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "1 space checked, no errors\n", "")


def test_errors_of_all_files_are_shown(run: Run, home: Path) -> None:
    (home / "bad.tsp").write_text("space bad\nnetwork:\n    return nothing\n", encoding="utf-8")
    result = run("check", "bad.tsp", "tiny.tsp", "missing.tsp")
    assert result.exit_code == 1
    assert "error[TSP0201]" in result.stderr and "bad.tsp:3:12" in result.stderr
    assert "error[TSP0901]: there is no file `missing.tsp`" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("format", ["concise", "json", "github"])
def test_formats_for_programs_go_to_stdout(run: Run, format: str) -> None:
    result = run("check", "missing.tsp", "--format", format)
    assert result.exit_code == 1
    assert "TSP0901" in result.stdout and result.stderr == ""


def test_json_without_errors_is_json_too(run: Run) -> None:
    assert json.loads(run("check", "tiny.tsp", "--format", "json").stdout)["diagnostics"] == []


@pytest.mark.parametrize("param", ["classes=10", "classes = 10"])
def test_params_are_overridden(run: Run, param: str) -> None:
    assert run("check", "tiny.tsp", "--param", param).exit_code == 0


@pytest.mark.parametrize(
    ("param", "code", "exit_code"),
    [
        ("clases=10", "TSP0214", 1),
        ("classes", "TSP0915", 2),
        ("classes=", "TSP0915", 2),
        ("classes=1;2", "TSP0915", 2),
        ("3=3", "TSP0915", 2),
    ],
)
def test_params_that_make_no_sense(run: Run, param: str, code: str, exit_code: int) -> None:
    result = run("check", "tiny.tsp", "--param", param, "--format", "json")
    assert (codes(result), result.exit_code) == ([code], exit_code)


@pytest.mark.parametrize(
    "arguments", [["check"], ["chekc"], ["check", "tiny.tsp", "--format", "xml"], ["cost", "tiny.tsp"]]
)
def test_usage(run: Run, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_examples(run: Run, command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert (
        f"Examples:\n    tanglec {command} " in result.stdout
        or f"Examples:\n    tanglec {command}\n" in result.stdout
    )


@pytest.mark.parametrize("code", ["TSP0304", "tsp0304", "304"])
def test_explain(run: Run, code: str) -> None:
    assert run("explain", code).stdout == ENTRIES["TSP0304"].markdown()


def test_explain_of_no_code(run: Run) -> None:
    result = run("explain", "TSP9999")
    assert result.exit_code == 2 and "there is no code `TSP9999`" in result.stderr


def test_version(run: Run) -> None:
    from tanglec import __version__

    assert run("--version").stdout == f"tanglec {__version__}\n"


def test_check_starts_without_what_it_does_not_need(home: Path) -> None:
    found = python(
        "import sys; from tanglec.cli.app import app\n"
        "try: app(['check', 'tiny.tsp'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'rich', 'jinja2', 'pydantic', 'tanglert', 'tanglec.codegen'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert found.stdout == "1 space checked, no errors\n[]\n", found.stderr
