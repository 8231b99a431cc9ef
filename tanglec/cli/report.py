"""`tanglec report`: one HTML page about a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tanglec.cli.messages import fail, reported

if TYPE_CHECKING:
    from tanglec.report import Run

Folder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, complete or not.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "-o", "--out", metavar="FILE", help="The page. [default: report.html in the folder of the run]"
    ),
]
Open = Annotated[bool, typer.Option("--open", help="Show it in the browser.")]


def report(run: Folder, out: Out = None, open: Open = False) -> None:
    """Write a page about a run: curves, probabilities of choices, the architecture drawn, its cost, random ones.

    The page is one file that works without a network. It shows a run that is still going on as far as it has got.

    \b
    Examples:
      tanglec report runs/vit_mini-drnas
      tanglec report runs/vit_mini-drnas --out report.html --open
    """
    from tanglec.cli.files import write_all

    with reported():
        path = run / "report.html" if out is None else out
        write_all({path: _page(read_run(run))})
    print(f"wrote {path.as_posix()}")
    if open:
        typer.launch(path.resolve().as_uri())


def _page(run: Run) -> str:
    from tanglec.report import BrokenRecord, MissingPlotly, run_page

    try:
        return run_page(run)
    except MissingPlotly as error:
        raise fail("TSP0912", str(error), "pip install 'tanglec[report]'") from None
    except BrokenRecord as error:
        raise fail("TSP0911", f"the run `{run.name}` cannot be shown: {error}") from None


def read_run(folder: Path) -> Run:
    """What a run left behind. Raises `CompileError` (TSP0911: it is no run, or a file of it is broken)."""
    from tanglec.cli.run_folder import read_record, recorded_space
    from tanglec.report import Run, read_lines

    if (folder / "compare.json").is_file():
        help = f"its page is {(folder / 'compare.html').as_posix()}; a report shows one of its runs"
        raise fail("TSP0911", f"`{folder.as_posix()}` is a comparison of runs", help)
    if (folder / "train.json").is_file() or _is_training(folder):
        title = f"`{folder.as_posix()}` trains architectures by themselves, and a report shows searches"
        raise fail("TSP0911", title, "tanglec evaluate has its figures")
    config = read_record(folder, "config.json")
    space = recorded_space(folder).space
    result = read_record(folder, "result.json") if (folder / "result.json").is_file() else None
    lines, unread = read_lines(_text(folder / "metrics.jsonl"))
    architecture = None if result is None else result["architecture"]
    if architecture is None and (text := _text(folder / "architecture.json")):
        architecture = _object(folder / "architecture.json", text)
    return Run(folder.resolve().name, space, config, lines, result, architecture, unread)


def _is_training(folder: Path) -> bool:
    from tanglec.cli.run_folder import read_record

    return read_record(folder, "config.json").get("kind") == "training"


def _text(path: Path) -> str:
    """Empty where there is no such file."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise fail(
            "TSP0901", f"`{path.as_posix()}` cannot be read: {(error.strerror or str(error)).lower()}"
        ) from None


def _object(path: Path, text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise fail("TSP0911", f"`{path.as_posix()}` cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise fail("TSP0911", f"`{path.as_posix()}` is no architecture: it is not a JSON object")
    return value
