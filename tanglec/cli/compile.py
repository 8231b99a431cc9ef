"""`tanglec compile`: the generated Python modules."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from tanglec.cli.arguments import Files, Format, GroupWeight, Params, Sharing, read_params
from tanglec.cli.messages import BadOption, fail, one_of, reported, show
from tanglec.diagnostics import CompileError, Diagnostic
from tanglec.ir.extents import Scalar
from tanglec.passes.lower import LOWERINGS

Out = Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Where the modules are written.")]
Lowering = Annotated[
    str,
    typer.Option(
        "--lowering",
        callback=one_of(*LOWERINGS),
        help="How mixtures are computed where there is a choice: mask the weights, scale the activations, auto: by what is cheaper;"
        " loop: by its definition (slow, for tests).",
    ),
]
Check = Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 if a file is out of date.")]
Diff = Annotated[bool, typer.Option("--diff", help="Write nothing; show what would change.")]


def compile_(
    files: Files,
    out: Out = Path("generated"),
    param: Params = None,
    lowering: Lowering = "auto",
    sharing: Sharing = "entangled",
    group_weight: GroupWeight = "outside",
    check: Check = False,
    diff: Diff = False,
    format: Format = "full",
) -> None:
    """Compile spaces to Python modules. Nothing is written if one of them has errors.

    \b
    Examples:
      tanglec compile my_space.tsp
      tanglec compile autoformer_t -o nets --param classes=100
      tanglec compile spaces/*.tsp --check --diff
      tanglec compile darts --sharing separate -o baseline
    """
    with reported(format):
        if diff and format == "json":
            raise BadOption("`--diff` prints text, which `--format json` has no place for")
        texts, warnings = compiled(files, read_params(param), lowering, sharing, group_weight)
        outputs = {out / name: text for name, text in texts.items()}
        stale = [path for path, text in outputs.items() if _on_disk(path) != text]
        if diff:
            sys.stdout.writelines(line for path in stale for line in difference(path, outputs[path]))
        if check and stale:
            raise CompileError([*warnings, *map(_out_of_date, stale)])
        show(warnings, format)
        if not check and not diff:
            _write(outputs, stale, format)


def compiled(
    files: Iterable[str], params: Mapping[str, Scalar], lowering: str, sharing: str, group_weight: str
) -> tuple[dict[str, str], list[Diagnostic]]:
    """Generated text by file name, and the warnings. Raises `CompileError` with the errors of all files."""
    from tanglec.cli.analysis import analysed
    from tanglec.codegen.emit import emit

    texts: dict[str, str] = {}
    found: list[Diagnostic] = []
    for file in files:
        try:
            result = analysed(file, params, lowering=lowering, sharing=sharing, group_weight=group_weight)
        except CompileError as error:
            found += error.diagnostics
            continue
        found += result.warnings
        name = f"{result.space.name}.py"
        if name in texts:
            found += fail("TSP0902", f"two spaces would be written to `{name}`").diagnostics
        texts[name] = emit(result.space)
    if any(d.severity == "error" for d in found):
        raise CompileError(found)
    return texts, found


def difference(path: Path, text: str) -> Iterable[str]:
    """What would change in a file, as a unified diff."""
    from difflib import unified_diff

    name = path.as_posix()
    before = _on_disk(path) or ""
    return unified_diff(
        before.splitlines(True), text.splitlines(True), f"{name} (on disk)", f"{name} (compiled)"
    )


def _on_disk(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None


def _out_of_date(path: Path) -> Diagnostic:
    state = "is out of date" if path.exists() else "is missing"
    return Diagnostic("TSP0914", f"`{path.as_posix()}` {state}", help=("compile again without `--check`",))


def _write(outputs: Mapping[Path, str], stale: Sequence[Path], format: str) -> None:
    from tanglec.cli.files import write_all

    write_all({path: outputs[path] for path in stale})
    for path in outputs if format == "full" else ():
        print(f"wrote {path.as_posix()}" if path in stale else f"{path.as_posix()} is up to date")
