"""`tanglec search`: train a supernet, find an architecture, and write its stand-alone model."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tanglec.cli.arguments import AsJSON, GroupWeight, Params, RecipeName, Set, Sharing, read_params
from tanglec.cli.messages import BadOption, is_main, reported

if TYPE_CHECKING:
    from tanglec.api import Compiled
    from tanglec.cli.notation import Shown
    from tanglec.cli.plan import Plan
    from tanglec.ir.extents import Scalar
    from tanglert.train import Result

Optimizer = Annotated[
    str | None,
    typer.Option(
        metavar="darts|gdas|drnas|spos|fairnas|random-a|sandwich|shrinking",
        help="By gradients: darts (softmax), gdas (one architecture drawn a step), drnas (Dirichlet). On sampled"
        " subnets, then a search among architectures: spos (one, uniform), fairnas (every choice equally often),"
        " random-a (uniform among different networks), sandwich (largest, smallest, two random ones), shrinking"
        " (choices open one after another). [default: drnas]",
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
MaxLatency = Annotated[
    float | None, typer.Option("--max-latency", metavar="MS", help="By the table in the file of `--latency`.")
]
Latency = Annotated[
    str | None,
    typer.Option(metavar="TABLE", help="A .csv: choices in columns named as dimensions, `latency` in ms."),
]
Penalty = Annotated[
    str | None,
    typer.Option(
        metavar="macs:0.1",
        help="Adds the expected cost of darts, gdas and drnas to their loss, relative to the largest architecture;"
        " params, macs or both.",
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(metavar="fp32|bf16", help="Of forward passes; weights stay fp32. [default: fp32]"),
]
From = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="RUN",
        help="Search again with the supernet that a run of spos or its kin has trained, without training.",
    ),
]
MaxMacs = Annotated[int | None, typer.Option("--max-macs", help="Multiply-adds that it may take at most.")]
Seed = Annotated[int | None, typer.Option(help="The same seed gives the same run. [default: 0]")]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, … [default: auto]")]
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A new folder for the run. [default: runs/SPACE-OPTIMIZER]"),
]
TensorBoard = Annotated[
    bool, typer.Option("--tensorboard", help="Also write DIR/tensorboard; needs the extra `tensorboard`.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in DIR, with its options.")]


def search(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help="A .tsp file, or the name of a shipped space.", show_default=False
        ),
    ] = None,
    optimizer: Optimizer = None,
    order: Order = None,
    data: Data = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: LearningRate = None,
    penalty: Penalty = None,
    strategy: Strategy = None,
    evaluations: Evaluations = None,
    max_params: MaxParams = None,
    max_macs: MaxMacs = None,
    max_latency: MaxLatency = None,
    latency: Latency = None,
    recipe: RecipeName = None,
    set_: Set = None,
    seed: Seed = None,
    device: Device = None,
    precision: Precision = None,
    from_: From = None,
    out: Out = None,
    resume: Resume = False,
    tensorboard: TensorBoard = False,
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
      tanglec search toy_cell --recipe drnas --set epochs=20
      tanglec search vit_mini --optimizer sandwich --strategy evolution --evaluations 200 --max-params 100000
      tanglec search --from runs/vit_mini-sandwich --strategy nsga2
      tanglec search my_space.tsp --optimizer spos --data path/to/images --epochs 50 --out runs/mine
      tanglec search my_space.tsp --out runs/mine --resume
      torchrun --standalone --nproc-per-node 2 -m tanglec search vit_mini
    """
    flags = {
        "optimizer": optimizer, "order": order, "epochs": epochs, "batch_size": batch_size, "lr": lr, "penalty": penalty,
        "evaluations": evaluations, "strategy": strategy, "max_params": max_params, "max_macs": max_macs,
        "max_latency": max_latency, "latency": latency, "seed": seed, "device": device, "precision": precision,
    }  # fmt: skip
    weights = {} if sharing == "entangled" else {"sharing": sharing}  # the defaults leave a recipe its own
    weights |= {} if group_weight == "outside" else {"group_weight": group_weight}
    with reported("json" if json else "full"):
        from tanglec.cli.outcome import show
        from tanglec.cli.training import need_torch, runtime_errors

        need_torch()
        plan = _plan(file, recipe, flags, set_, data, read_params(param), weights, from_, out, resume)
        with runtime_errors():
            result = _run(plan, resume, tensorboard)
            if not is_main():
                return
            _write_model(plan, result)
        told = _write_notation(plan.compiled, plan.out, result)
    show(plan.out, result, told, plan.inherits, json)


def _plan(
    file: str | None,
    recipe: str | None,
    flags: Mapping[str, Any],
    sets: Sequence[str] | None,
    data: str | None,
    params: Mapping[str, Scalar],
    weights: Mapping[str, str],
    parent: Path | None,
    out: Path | None,
    resume: bool,
) -> Plan:
    from tanglec.cli.plan import begun, begun_from, resumed
    from tanglec.cli.settings import settings
    from tanglec.library import find_space

    if parent is None and file is None:
        raise BadOption("which space?", "tanglec search SPACE, or tanglec search --from RUN")
    if parent is not None and file is not None:
        raise BadOption("`--from` knows its space: leave the file out")
    space = None if file is None else find_space(file)
    given = settings(recipe, space, flags, sets, data, params, weights)
    if parent is not None:
        return begun_from(parent, given, out, resume)
    assert space is not None
    return resumed(space, given, out) if resume else begun(space, given, out)


def _run(plan: Plan, resume: bool, tensorboard: bool) -> Result:
    from tanglec.cli.processes import STOPPED
    from tanglec.cli.training import same_again
    from tanglert.data import load
    from tanglert.train import Board, Interrupted, display, run_search

    module: Any = plan.compiled.load()
    progress = Board(plan.out / "tensorboard", display()) if tensorboard else display()
    files, options = plan.files(resume), plan.settings.checked()
    try:
        return run_search(
            module,
            load(plan.settings.data, module.SPACE),
            options,
            plan.out,
            progress,
            resume=resume,
            texts=files,
            parent=plan.parent,
            stages=[stage.load() for stage in plan.stages()],
        )
    except Interrupted as stop:
        if is_main():
            again = same_again(*sys.argv[1:], *([] if resume else ["--resume"]))
            sys.stderr.write(f"{stop}:\n  {again}\n")
        raise typer.Exit(STOPPED) from None


def _write_model(plan: Plan, result: Result) -> None:
    """The derived model; with fresh weights where the last stage of the search had other widths than the space."""
    from tanglec.cli.standalone import fresh, inherited, write_model
    from tanglert.train import inherited_weights

    compiled, found = plan.compiled, result.architecture
    if plan.inherits:
        weights = inherited(compiled, found, inherited_weights(plan.out, compiled.load().SPACE))
    else:
        weights = fresh(compiled, found, plan.settings.checked().seed)
    write_model(compiled, found, weights, plan.out / "model.py")


def _write_notation(compiled: Compiled, run: Path, result: Result) -> Shown | None:
    """The architecture as the field writes it, in a file of its own; None where the space has no notation."""
    from tanglec.cli.files import write_all
    from tanglec.cli.notation import in_notation

    told = in_notation(compiled.space, compiled.architecture(result.architecture), None)
    if told is not None:
        write_all({run / "architecture.txt": f"{told.text}\n"})
    return told
