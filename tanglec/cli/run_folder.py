"""What the commands put into the folder of a run, so that it can be resumed and derived from by itself.

space.json     {"path": …, "params": {…}, "weights": {…}}: how messages show the space, and what it was compiled with
NAME.tsp       the text of the space, beside those of the libraries that it uses
NAME.py        the generated module
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tanglec.cli.analysis import Analysed, analysed_source
from tanglec.cli.messages import fail, is_main
from tanglec.cli.settings import exact
from tanglec.ir.extents import Scalar, plain_scalar
from tanglec.library import libraries_for
from tanglec.source import Source

_RECORDS: dict[str, dict[str, type]] = {
    "space.json": {"name": str, "path": str, "params": dict},
    "config.json": {"data": str, "data_sha256": str, "options": dict},
    "result.json": {"architecture": dict},
    "train.json": {"init": str, "architectures": list, "seeds": list, "settings": dict},
}


def texts(
    result: Analysed, params: Mapping[str, Scalar], weights: Mapping[str, str], generated: str
) -> dict[str, str]:
    """The files of a run that the compiler knows of, by name."""
    space = result.space
    record = {
        "name": space.name,
        "path": space.path,
        "params": {name: plain_scalar(value) for name, value in params.items()},
        "weights": dict(weights),
    }
    return {
        "space.json": json.dumps(record, indent=2) + "\n",
        f"{space.name}.tsp": result.source.text,
        f"{space.name}.py": generated,
        **{f"{name}.tsp": library.text for name, library in result.libraries.items()},
    }


def new_folder(out: Path) -> Path:
    """`out`, for a new run: `CompileError` (TSP0911) where there is one. Processes that torchrun starts anew find theirs."""
    from tanglert.train.distributed import restarted

    held = (out / "config.json").exists() or (out / "train.json").exists()
    if is_main() and held and not restarted():
        title = f"`{out.as_posix()}` already holds a run: --resume goes on with it, --out takes another"
        raise fail("TSP0911", title)
    return out


def recorded_space(run: Path, params: Mapping[str, Scalar] | None = None) -> Analysed:
    """The space of a run, compiled from the texts in its folder, with `params` over those that it was compiled with.

    Raises `CompileError` (TSP0911: no run).
    """
    record = read_record(run, "space.json")
    copy = run / f"{record['name']}.tsp"
    if not copy.is_file():
        raise fail("TSP0911", f"`{run.as_posix()}` is not whole: `{copy.name}` is missing")
    source = Source(record["path"], copy.read_text(encoding="utf-8"))
    given = {**recorded_params(run), **(params or {})}
    return analysed_source(source, libraries_for(copy), given, **recorded_weights(run))


def recorded_params(run: Path) -> dict[str, Scalar]:
    """The params that the space of a run was compiled with."""
    return exact(read_record(run, "space.json")["params"])


def recorded_weights(run: Path) -> dict[str, str]:
    """How the weights of a run are shared: `sharing` and `group_weight`, as of the driver."""
    return dict(read_record(run, "space.json").get("weights", {}))


def read_record(run: Path, name: str) -> dict[str, Any]:
    """A JSON file of a run. Raises `CompileError` (TSP0911) where there is none, or it is not what it should be."""
    try:
        record: dict[str, Any] = json.loads((run / name).read_text(encoding="utf-8"))
        _check(record, _RECORDS[name])
    except OSError:
        title = f"`{run.as_posix()}` is not the folder of a run: it has no `{name}`"
        raise fail("TSP0911", title, "`tanglec search … --out DIR` makes one") from None
    except ValueError as error:
        raise fail("TSP0911", f"`{(run / name).as_posix()}` cannot be read: {error}") from None
    return record


def _check(record: Any, wanted: Mapping[str, type]) -> None:
    """Raises `ValueError` where a record lacks a field."""
    for name, kind in wanted.items():
        if not isinstance(record, dict) or not isinstance(record.get(name), kind):
            raise ValueError(f"it has no `{name}`, or not of the kind that it should be")
    for name, value in record["params"].items() if "params" in wanted else ():
        if not isinstance(value, int | float | str):
            raise ValueError(f"param `{name}` has no value")
