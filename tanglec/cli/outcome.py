"""What a search found, told on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tanglec.cli.notation import Shown
    from tanglert.train import Result


def show(run: Path, result: Result, told: Shown | None, inherits: bool, as_json: bool) -> None:
    """Figures, files, comparison; or one JSON object, for programs."""
    from json import dumps, loads

    files = {
        "model.py": "the architecture as plain PyTorch",
        "model.safetensors": "its weights, inherited from the supernet"
        if inherits
        else "fresh weights: the last stage had other widths",
        "architecture.json": "the architecture",
        **({} if told is None else {"architecture.txt": f"in the notation {told.name}"}),
        "result.json": "all figures",
        "recipe.toml": "every option, and where its value comes from",
        "metrics.jsonl": "losses and metrics, one line an epoch or architecture",
        f"{result.space}.py": "the generated supernet",
        f"{result.space}.tsp": "the space",
    }
    if as_json:
        paths = {name: (run / name).as_posix() for name in files}
        print(dumps({**loads(result.to_json()), "files": paths}, indent=2))
        return
    from tanglec.cli.tables import decimal, table

    print(f"\n{result.space}, {result.optimizer}, {result.seconds:.0f} s\n")
    cost = f"{decimal(result.params)} parameters, {decimal(result.macs)} multiply-adds"
    notation = [] if told is None else [[told.name, told.text]]
    print("\n".join(table([["architecture", dumps(result.architecture)], *notation, ["", cost]])))
    print("\n".join(f"  {line}".rstrip() for line in ("", *result.summary().splitlines(), "")))
    print("\n".join(table([[(run / name).as_posix(), what] for name, what in files.items()])))
