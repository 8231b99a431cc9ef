"""Generated files: committed ones are what the compiler writes, tidy, typed, short, and the same on every run."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tanglec.api import compile_file
from tanglec.library import shipped

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "generated"


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", shipped())
def test_golden_the_committed_file_is_what_the_compiler_writes(name: str) -> None:
    text = compile_file(f"spaces/{name}.tsp").files[f"{name}.py"]
    if os.environ.get("TANGLEC_UPDATE_GOLDEN"):
        (GENERATED / f"{name}.py").write_text(text)
    assert (GENERATED / f"{name}.py").read_text() == text


@pytest.mark.parametrize("name", shipped())
def test_a_space_is_under_60_lines_and_its_module_as_short_as_one_writes_it(name: str) -> None:
    assert len((ROOT / "spaces" / f"{name}.tsp").read_text().splitlines()) < 60
    assert len((GENERATED / f"{name}.py").read_text().splitlines()) < 450


@pytest.mark.parametrize("name", shipped())
def test_it_imports_only_torch_and_the_runtime(name: str) -> None:
    tree = ast.parse((GENERATED / f"{name}.py").read_text())
    modules = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    modules |= {str(n.module) for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert {m.split(".")[0] for m in modules} <= {
        "__future__",
        "collections",
        "dataclasses",
        "fractions",
        "itertools",
        "math",
        "tanglert",
        "torch",
    }


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Generated modules of shipped and of odd spaces, under the project's settings."""
    folder = tmp_path_factory.mktemp("generated")
    for path in [*GENERATED.glob("*.py"), ROOT / "pyproject.toml"]:
        shutil.copy(path, folder)
    for path in (ROOT / "tests" / "spaces").glob("*.tsp"):
        compiled = compile_file(path)
        (folder / f"{compiled.space.name}.py").write_text(compiled.files[f"{compiled.space.name}.py"])
    return str(folder)


def test_formatting_them_changes_nothing(modules: str) -> None:
    result = run(sys.executable, "-m", "ruff", "format", "--check", modules)
    assert result.returncode == 0, result.stdout + result.stderr


def test_they_are_strictly_typed(modules: str) -> None:
    result = run(sys.executable, "-m", "mypy", "--strict", modules, MYPYPATH="runtime")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_bytes_do_not_depend_on_hash_seeds() -> None:
    program = (
        "import hashlib, sys; from tanglec.api import compile_file\n"
        "c = compile_file('autoformer_t'); m = compile_file('conv_macro')\n"
        "a = {'kernel': [3, 5, 7, 3], 'c1': 16, 'c2': 32, 'c3': 64, 'c4': 128}\n"
        "print(hashlib.sha256((c.files['autoformer_t.py'] + m.derive_source(a)).encode()).hexdigest())"
    )
    results = [run(sys.executable, "-c", program, PYTHONHASHSEED=str(seed)) for seed in (0, 1, 2)]
    digests = {r.stdout for r in results}
    assert len(digests) == 1 and "" not in digests, results[0].stderr
