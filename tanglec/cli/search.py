"""`tanglec search`: train a supernet, find an architecture, and write its stand-alone model."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tanglec.cli.arguments import AsJSON, File, GroupWeight, Params, Sharing, read_params
from tanglec.cli.messages import fail, reported
from tanglec.ir.extents import Scalar

if TYPE_CHECKING:
    from tanglec.api import Compiled
    from tanglec.cli.notation import Shown
    from tanglert.train import Result

STOPPED = 130  # exit code, as of a program that Ctrl-C ends

Optimizer = Annotated[
    str | None,
    typer.Option(
        metavar="darts|gdas|drnas|spos|fairnas|sandwich",
        help="By gradients: darts (softmax), gdas (one architecture drawn a step), drnas (Dirichlet). On sampled"
        " subnets, then random search: spos (one, uniform), fairnas (every choice equally often), sandwich"
        " (largest, smallest, two random ones). [default: drnas]",
    ),
]
Order = Annotated[
    int | None,
    typer.Option(
        metavar="1|2",
        help="Of darts; 2 looks a step of the weights ahead, at some five times the cost. [default: 1]",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH",
        help="fashion-mnist or persuasion (they ship), a folder of idx files, a folder of images by class, a"
        " text, or an .npz. [default: what ships and fits]",
    ),
]
Epochs = Annotated[int | None, typer.Option(help="Passes over the training part. [default: 10]")]
BatchSize = Annotated[int | None, typer.Option("--batch-size", help="[default: 32]")]
LearningRate = Annotated[float | None, typer.Option("--lr", help="Of the weights. [default: 0.003]")]
Evaluations = Annotated[
    int | None, typer.Option(help="Architectures ranked after spos, fairnas and sandwich. [default: 100]")
]
Strategy = Annotated[
    str | None,
    typer.Option(
        metavar="random|evolution|nsga2",
        help="How architectures are searched after spos, fairnas and sandwich; nsga2 weighs parameters and"
        " multiply-adds too. [default: random]",
    ),
]
MaxParams = Annotated[int | None, typer.Option("--max-params", help="Parameters that it may have at most.")]
MaxMacs = Annotated[int | None, typer.Option("--max-macs", help="Multiply-adds that it may take at most.")]
Seed = Annotated[int | None, typer.Option(help="The same seed gives the same run. [default: 0]")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, … [default: auto]")]
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A new folder for the run. [default: runs/SPACE-OPTIMIZER]"),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in DIR, with its options.")]


def search(
    file: File,
    optimizer: Optimizer = None,
    order: Order = None,
    data: Data = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: LearningRate = None,
    evaluations: Evaluations = None,
    strategy: Strategy = None,
    max_params: MaxParams = None,
    max_macs: MaxMacs = None,
    seed: Seed = None,
    device: Device = None,
    out: Out = None,
    resume: Resume = False,
    param: Params = None,
    sharing: Sharing = "entangled",
    group_weight: GroupWeight = "outside",
    json: AsJSON = False,
) -> None:
    """Train the supernet of a space, derive an architecture, and compare it with random ones.

    Ctrl-C saves the run and stops; --resume goes on exactly there.

    \b
    Examples:
      tanglec search vit_mini
      tanglec search toy_cell --optimizer darts --order 2 --epochs 20
      tanglec search vit_mini --optimizer sandwich --strategy evolution --evaluations 200 --max-params 100000
      tanglec search my_space.tsp --optimizer spos --data path/to/images --epochs 50 --out runs/mine
      tanglec search my_space.tsp --out runs/mine --resume
    """
    given = {
        "optimizer": optimizer, "order": order, "epochs": epochs, "batch_size": batch_size, "lr": lr,
        "evaluations": evaluations, "strategy": strategy, "max_params": max_params, "max_macs": max_macs,
        "seed": seed, "device": device,
    }  # fmt: skip
    options = {name: value for name, value in given.items() if value is not None}
    with reported("json" if json else "full"):
        from tanglec.cli.training import need_torch

        need_torch()
        weights = {"sharing": sharing, "group_weight": group_weight}
        run, result, told = _search(file, options, data, out, resume, read_params(param), weights)
    _print(run, result, told, json)


def _search(
    file: str,
    options: dict[str, Any],
    data: str | None,
    out: Path | None,
    resume: bool,
    params: dict[str, Scalar],
    weights: dict[str, str],
) -> tuple[Path, Result, Shown | None]:
    from tanglec.api import Compiled
    from tanglec.cli.analysis import analysed
    from tanglec.cli.run_folder import read_record, recorded_params, recorded_weights, texts
    from tanglec.cli.training import runtime_errors

    if out is None:
        out = Path("runs", f"{analysed(file, params).space.name}-{options.get('optimizer', 'drnas')}")
    if resume:
        config = read_record(out, "config.json")
        options, data = {**config["options"], **options}, data or config["data"]
        params = {**recorded_params(out), **params}
        if params != recorded_params(out):
            raise fail("TSP0909", f"the run in `{out.as_posix()}` has other params", "leave `--param` out")
        weights = recorded_weights(out)
    result = analysed(file, params, **weights)
    compiled = Compiled(result.space, result.source, result.warnings)
    files = texts(result, params, weights, compiled.files[f"{result.space.name}.py"])
    with runtime_errors():
        found = _run(compiled, options, data, out, resume, files)
        _write_model(compiled, out, found)
    return out, found, _write_notation(compiled, out, found)


def _run(
    compiled: Compiled,
    options: Mapping[str, Any],
    data: str | None,
    out: Path,
    resume: bool,
    files: dict[str, str],
) -> Result:
    from tanglert.data import load
    from tanglert.train import Interrupted, Options, RunError, display, run_search

    if len(compiled.space.network.outputs) != 1:
        raise fail(
            "TSP0918", f"the network of `{compiled.space.name}` has several results; a search needs one"
        )
    module: Any = compiled.load()
    if not resume and (out / "config.json").exists():
        raise RunError(
            f"`{out.as_posix()}` already holds a run: --resume goes on with it, --out takes another"
        )
    samples = load(data, module.SPACE)
    try:
        return run_search(module, samples, Options.of(options), out, display(), resume=resume, texts=files)
    except Interrupted as stop:
        again = [*sys.argv[1:], *([] if resume else ["--resume"])]
        sys.stderr.write(f"{stop}:\n  {shlex.join(['tanglec', *again])}\n")
        raise typer.Exit(STOPPED) from None


def _write_model(compiled: Compiled, run: Path, result: Result) -> None:
    from tanglec.cli.standalone import inherited, write_model
    from tanglert.train import inherited_weights

    weights = inherited_weights(run, compiled.load().SPACE)
    write_model(
        compiled, result.architecture, inherited(compiled, result.architecture, weights), run / "model.py"
    )


def _write_notation(compiled: Compiled, run: Path, result: Result) -> Shown | None:
    """The architecture as the field writes it, in a file of its own; None where the space has no notation."""
    from tanglec.cli.files import write_all
    from tanglec.cli.notation import in_notation

    told = in_notation(compiled.space, compiled.architecture(result.architecture), None)
    if told is not None:
        write_all({run / "architecture.txt": f"{told.text}\n"})
    return told


def _print(run: Path, result: Result, told: Shown | None, as_json: bool) -> None:
    from json import dumps, loads

    files = {
        "model.py": "the architecture as plain PyTorch",
        "model.safetensors": "its weights, inherited from the supernet",
        "architecture.json": "the architecture",
        **({} if told is None else {"architecture.txt": f"in the notation {told.name}"}),
        "result.json": "all figures",
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
