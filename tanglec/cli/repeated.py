"""Whether a run that lies there is the one that is asked for: what is complete is only shown again if it is."""

from __future__ import annotations

from pathlib import Path

from tanglec.cli.messages import fail
from tanglec.cli.run_folder import read_record, recorded_params
from tanglec.cli.settings import Settings
from tanglec.source import Source


def require_the_same(run: Path, space: Source, asked: Settings, parent: Path | None = None) -> None:
    """`CompileError` (TSP0911) where a run has other options or params, or another text of the space, than `asked`.

    parent: the run whose options it has unless others are asked for. The device may differ, and where data lies.
    """
    from tanglert.train import Options

    config = read_record(run, "config.json")
    if parent is not None:
        asked = Settings(read_record(parent, "config.json")["options"]).over(options=asked.options)
    ran, wanted = Options.of(config["options"]).plain(), asked.checked().plain()
    for name, value in wanted.items():
        if name != "device" and ran[name] != value:
            raise _another(run, f"has {name} {ran[name]}, not {value}")
    if parent is None and recorded_params(run) != asked.params:
        raise _another(run, "has other params")
    copy = run / f"{config['space']}.tsp"
    if copy.is_file() and copy.read_text(encoding="utf-8") != space.text:
        raise _another(run, f"searched another version of `{space.path}`")


def _another(run: Path, why: str) -> Exception:
    title = f"the run in `{run.as_posix()}`, which is complete, {why}: what is compared would not be alike"
    return fail("TSP0911", title, "the same options, or another folder: --out")
