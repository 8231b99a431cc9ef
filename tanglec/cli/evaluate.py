"""`tanglec evaluate`: how good architectures are, with the weights that a run has for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tanglec.cli.arguments import AsJSON
from tanglec.cli.messages import BadOption, fail, reported

if TYPE_CHECKING:
    from torch import nn

    from tanglec.api import Compiled
    from tanglert.data import Data as Loaded

Run = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a search, or of `tanglec train`.")]
Archs = Annotated[
    list[str] | None,
    typer.Option(
        "--arch",
        metavar="ARCH",
        help="Of a search: a file or the text itself, JSON or a notation of the space; may be repeated. [default: what"
        " it found]",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH", help="Other data, or where the run's has moved to. [default: the run's]"
    ),
]
Time = Annotated[
    bool,
    typer.Option(
        "--time", help="Measure the forward pass of one sample too, the median in ms on this machine."
    ),
]


@dataclass(frozen=True)
class Row:
    """What is known of an architecture."""

    where: str
    architecture: Mapping[str, Any]
    params: int
    macs: int
    metric: str
    test: Mapping[str, float]
    validation: Mapping[str, float] | None = None
    ms: float | None = None


def evaluate(
    run: Run, arch: Archs = None, data: Data = None, time: Time = False, json: AsJSON = False
) -> None:
    """Measure architectures with the weights of a run.

    Of a search: with the weights inherited from its supernet, on the held-out part and on the part that chose. Of
    `tanglec train`: with their own, on the held-out part.

    \b
    Examples:
      tanglec evaluate runs/vit_mini-drnas
      tanglec evaluate runs/vit_mini-spos --arch a.json --arch b.json --time
      tanglec evaluate runs/vit_mini-drnas-retrain --json
    """
    with reported("json" if json else "full"):
        from tanglec.cli.training import need_torch, runtime_errors
        from tanglec.library import is_file

        need_torch()
        trained = is_file(run / "train.json") or is_file(run / "model.py") and _kind(run) == "training"
        if trained and arch:
            raise BadOption("a training has its own architectures; `--arch` goes with a search")
        with runtime_errors():
            rows = _of_training(run, data, time) if trained else _of_search(run, arch or [], data, time)
    _show(rows, json)


def _kind(run: Path) -> str:
    from tanglec.cli.run_folder import read_record

    return str(read_record(run, "config.json").get("kind", "search"))


def _of_search(run: Path, archs: Sequence[str], data: str | None, time: bool) -> list[Row]:
    from tanglec.cli.analysis import architecture
    from tanglec.cli.run_folder import read_record
    from tanglec.cli.standalone import shown
    from tanglert.train import Inherited, inherited_weights

    compiled, module, loaded = _opened(run, data)
    if not archs and not (run / "architecture.json").is_file():
        raise fail("TSP0911", f"the run `{run.as_posix()}` has found no architecture yet", "give one: --arch")
    given = [
        shown(compiled, architecture(a, compiled.space)) for a in archs or [str(run / "architecture.json")]
    ]
    weights = inherited_weights(run, module.SPACE)
    supernet = Inherited(weights, module, loaded, read_record(run, "config.json")["options"])
    names = list(archs) if len(given) > 1 else [run.as_posix()]
    return [
        _row(compiled, module, where, one, time, loaded, supernet.measured(module.Arch.from_dict(one)))
        for where, one in zip(names, given)
    ]


def _of_training(run: Path, data: str | None, time: bool) -> list[Row]:
    from tanglec.cli.run_folder import read_record
    from tanglert.train import Options, trained_weights
    from tanglert.train.standalone import Training

    several = sorted(
        (f for f in run.iterdir() if f.name.isdecimal() and f.is_dir()), key=lambda f: int(f.name)
    )
    rows = []
    for folder in several or [run]:
        compiled, module, loaded = _opened(folder, data)
        config = read_record(folder, "config.json")
        arch, options = config["architecture"], Options.of(config["options"]).but(device="cpu")
        weights = trained_weights(folder, module.SPACE)
        training = Training(
            partial(compiled.derive, arch),
            module.Arch.from_dict(arch),
            module,
            loaded,
            options,
            weights=weights,
        )
        measured = {"test": training.on_test()}
        rows.append(_row(compiled, module, folder.as_posix(), arch, time, loaded, measured))
    return rows


def _opened(run: Path, data: str | None) -> tuple[Compiled, Any, Loaded]:
    """The space of a run, its module, and its data or another."""
    from tanglec.api import Compiled
    from tanglec.cli.run_folder import read_record, recorded_space
    from tanglert.data import load

    result = recorded_space(run)
    compiled = Compiled(result.space, result.source, result.warnings)
    module: Any = compiled.load()
    return compiled, module, load(data or read_record(run, "config.json")["data"], module.SPACE)


def _row(
    compiled: Compiled,
    module: Any,
    where: str,
    arch: Mapping[str, Any],
    time: bool,
    data: Loaded,
    measured: Mapping[str, Mapping[str, float]],
) -> Row:
    from tanglert.train.task import task_for

    given = module.Arch.from_dict(arch)
    return Row(
        where,
        arch,
        module.count_params(given),
        module.count_macs(given),
        task_for(module.SPACE).metric,
        measured["test"],
        measured.get("validation"),
        _milliseconds(compiled.derive(arch), data) if time else None,
    )


def _milliseconds(network: nn.Module, data: Loaded) -> float:
    """The median time of a forward pass of one sample."""
    import torch

    from tanglert.train.stopwatch import milliseconds

    x, _ = data.test.batch(torch.tensor([0]))
    return milliseconds(network, x)


def _show(rows: Sequence[Row], as_json: bool) -> None:
    from json import dumps

    from tanglec.cli.tables import decimal, table

    if as_json:
        print(dumps([{k: v for k, v in asdict(row).items() if v is not None} for row in rows], indent=2))
        return
    metric = rows[0].metric
    parts = ["test", *(["validation"] if rows[0].validation is not None else [])]
    timed = rows[0].ms is not None
    head = [
        "",
        *(f"{metric} ({part})" for part in parts),
        "parameters",
        "multiply-adds",
        *(["ms"] if timed else []),
    ]
    lines = [
        [row.where]
        + [f"{getattr(row, part)[metric]:.4f}" for part in parts]
        + [decimal(row.params), decimal(row.macs), *([f"{row.ms:.3g}"] if timed else [])]
        for row in rows
    ]
    print("\n".join(table([head, *lines], indent="")))
