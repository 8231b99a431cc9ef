"""`tanglec compile`: files written as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Run


def test_compile_writes_and_check_compares(run: Run, home: Path) -> None:
    assert run("compile", "tiny.tsp", "--check").exit_code == 1
    assert run("compile", "tiny.tsp").stdout == "wrote generated/tiny.py\n"
    assert run("compile", "tiny.tsp").stdout == "generated/tiny.py is up to date\n"
    assert run("compile", "tiny.tsp", "--check").exit_code == 0
    assert [p.name for p in (home / "generated").iterdir()] == ["tiny.py"]
    compile((home / "generated" / "tiny.py").read_text(encoding="utf-8"), "tiny.py", "exec")


def test_an_outdated_file_is_shown_and_left_alone(run: Run, home: Path) -> None:
    run("compile", "tiny.tsp", "-o", "out")
    path = home / "out" / "tiny.py"
    path.write_text(path.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")
    result = run("compile", "tiny.tsp", "-o", "out", "--check", "--diff")
    assert result.exit_code == 1
    assert "TSP0914" in result.stderr and "-# edited" in result.stdout
    assert path.read_text(encoding="utf-8").endswith("# edited\n")


def test_nothing_is_written_if_one_file_has_errors(run: Run, home: Path) -> None:
    (home / "bad.tsp").write_text("space bad\n", encoding="utf-8")
    assert run("compile", "tiny.tsp", "bad.tsp").exit_code == 1
    assert not (home / "generated").exists()


def test_params_and_lowering_change_the_text(run: Run, home: Path) -> None:
    texts = set()
    for options in ([], ["--param", "classes=7"], ["--lowering", "loop"]):
        run("compile", "tiny.tsp", *options)
        texts.add((home / "generated" / "tiny.py").read_text(encoding="utf-8"))
    assert len(texts) == 3
    assert run("compile", "tiny.tsp", "--lowering", "fast").exit_code == 2


def test_output_that_cannot_be_written(run: Run, home: Path) -> None:
    (home / "taken").write_text("a file\n", encoding="utf-8")
    result = run("compile", "tiny.tsp", "-o", "taken")
    assert result.exit_code == 1 and "TSP0902" in result.stderr
    (home / "out" / "tiny.py").mkdir(parents=True)
    result = run("compile", "tiny.tsp", "-o", "out")
    assert result.exit_code == 1 and "TSP0902" in result.stderr
    assert [p.name for p in (home / "out").iterdir()] == ["tiny.py"]


def test_a_shipped_space_by_name(run: Run, home: Path) -> None:
    run("compile", "vit_mini")
    text = (home / "generated" / "vit_mini.py").read_text(encoding="utf-8")
    assert "from spaces/vit_mini.tsp" in text.splitlines()[0]
    assert str(Path(__file__).parents[2]) not in text
