"""`tanglec train`: architectures by themselves, as the plain networks that are derived from the space."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tanglec.cli.arguments import AsJSON, Params, RecipeName, Set, read_params
from tanglec.cli.messages import BadOption, is_main, reported

if TYPE_CHECKING:
    from torch import Tensor

    from tanglec.api import Compiled
    from tanglec.cli.settings import Settings
    from tanglec.cli.trainings import Trainings
    from tanglert.data import Data as Loaded
    from tanglert.train import Trained, World

STOPPED = 130  # exit code, as of a program that Ctrl-C ends

Origin = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN|SPACE",
        help="The folder of a search, or a .tsp file or shipped space.",
        show_default=False,
    ),
]
Archs = Annotated[
    list[str] | None,
    typer.Option(
        "--arch",
        metavar="ARCH",
        help="A file or the text itself, JSON or a notation of the space; may be repeated. [default: what the run found]",
    ),
]
InitName = Annotated[
    str | None,
    typer.Option(
        "--init",
        metavar="inherit|finetune|retrain",
        help="Weights of the run's supernet, only measured; those, trained further; fresh ones by the seed, the only"
        " way for a space. [default: finetune; of a space retrain]",
    ),
]
Seeds = Annotated[
    list[int] | None,
    typer.Option(
        "--seed", min=0, help="May be repeated: each architecture with each seed. [default: the run's, or 0]"
    ),
]
Epochs = Annotated[
    int | None, typer.Option(help="Passes over the whole training part. [default: as the search, or 10]")
]
BatchSize = Annotated[int | None, typer.Option("--batch-size", help="[default: as the search, or 32]")]
LearningRate = Annotated[float | None, typer.Option("--lr", help="[default: as the search, or 0.003]")]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH", help="As of `search`. [default: as the search, or what ships and fits]"
    ),
]
Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1, … [default: auto]")]
Precision = Annotated[
    str | None, typer.Option(metavar="fp32|bf16", help="Of forward passes. [default: as the search, or fp32]")
]
Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="A new folder. [default: RUN-INIT, or runs/SPACE-retrain]")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with what is in DIR, with its options.")]


def train(
    origin: Origin = None,
    arch: Archs = None,
    init: InitName = None,
    data: Data = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: LearningRate = None,
    recipe: RecipeName = None,
    set_: Set = None,
    seed: Seeds = None,
    device: Device = None,
    precision: Precision = None,
    out: Out = None,
    resume: Resume = False,
    param: Params = None,
    json: AsJSON = False,
) -> None:
    """Train architectures by themselves, each as the plain network that is derived from the space.

    They are trained on the whole training part and measured on the held-out one; a run's options for weights are
    taken over unless there is a --recipe. Several, by --arch or --seed, go to DIR/1, DIR/2, … Ctrl-C saves and
    stops; --resume goes on exactly there.

    \b
    Examples:
      tanglec train runs/vit_mini-drnas
      tanglec train runs/vit_mini-drnas --init retrain --seed 0 --seed 1 --seed 2 --epochs 30
      tanglec train runs/darts-drnas --init retrain --recipe retrain --data path/to/cifar10
      tanglec train vit_mini --arch a.json --arch b.json --recipe small --out runs/two
      tanglec train --out runs/two --resume
    """
    flags = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "device": device, "precision": precision}
    with reported("json" if json else "full"):
        from tanglec.cli.training import need_torch, runtime_errors

        need_torch()
        given = (recipe, flags, set_, data, read_params(param))
        plan = _plan(origin, given, init, arch or [], seed or [], out, resume)
        with runtime_errors():
            results = _run(plan)
    if is_main():
        _show(plan, results, json)


def _plan(
    origin: str | None,
    given: tuple[str | None, Mapping[str, Any], Sequence[str] | None, str | None, Mapping[str, Any]],
    init: str | None,
    archs: Sequence[str],
    seeds: Sequence[int],
    out: Path | None,
    resume: bool,
) -> Trainings:
    from tanglec.cli.run_folder import recorded_space
    from tanglec.cli.settings import settings
    from tanglec.cli.trainings import begun, resumed
    from tanglec.library import find_space, is_folder

    recipe, flags, sets, data, params = given
    if resume and out is None:
        raise BadOption("`--resume` goes on with the trainings of which folder?", "--out DIR")
    if origin is None and not resume:
        raise BadOption(
            "train architectures of what?", "tanglec train RUN, or tanglec train SPACE --arch ARCH"
        )
    run = Path(origin) if origin is not None and is_folder(Path(origin)) else None
    if run is not None:
        space = recorded_space(run).source
    else:
        space = recorded_space(out).source if origin is None and out is not None else find_space(origin or "")
    wanted: Settings = settings(recipe, space, flags, sets, data, params, {})
    if resume:
        assert out is not None
        return resumed(out, wanted, init, archs, seeds)
    return begun(run or space, wanted, init, archs, seeds, out)


def _run(plan: Trainings) -> list[Trained]:
    """Everything that is left to do, in the order of the folders."""
    from tanglec.api import Compiled
    from tanglec.cli.training import same_again
    from tanglert.data import load
    from tanglert.train import Interrupted
    from tanglert.train.distributed import joined

    compiled = Compiled(plan.analysed.space, plan.analysed.source, plan.analysed.warnings)
    generated = compiled.files[f"{compiled.space.name}.py"]
    module: Any = compiled.load()
    try:
        with joined() as world:
            data = load(plan.settings.data, module.SPACE)
            world.from_main(lambda: plan.record(generated))
            files = plan.files(generated)
            return [_one(plan, compiled, module, data, files, world, *each) for each in plan.each()]
    except Interrupted as stop:
        if is_main():
            again = same_again("train", "--out", plan.out.as_posix(), "--resume")
            sys.stderr.write(f"{stop}:\n  {again}\n")
        raise typer.Exit(STOPPED) from None


def _one(
    plan: Trainings,
    compiled: Compiled,
    module: Any,
    data: Loaded,
    files: Mapping[str, str],
    world: World,
    folder: Path,
    arch: Mapping[str, Any],
    settings: Settings,
) -> Trained:
    """One run, begun or resumed, with its model."""
    from tanglec.cli.standalone import write_model
    from tanglec.cli.trainings import TRAINING
    from tanglert.train import display, train_network, trained_weights

    begun = world.from_main((folder / "config.json").is_file)  # the first process soon writes it
    result = train_network(
        lambda: compiled.derive(arch),
        module.Arch.from_dict(arch),
        module,
        data,
        settings.checked(),
        folder,
        display(),
        init=plan.init,  # type: ignore[arg-type]  # checked with the plan
        weights=None if begun else _inherited(plan, compiled, module, data, arch),
        resume=begun,
        texts={**files, "recipe.toml": settings.text(TRAINING)},
        parent=None if plan.parent is None else plan.parent.as_posix(),
    )
    world.from_main(
        lambda: write_model(compiled, arch, trained_weights(folder, module.SPACE), folder / "model.py")
    )
    return result


def _inherited(
    plan: Trainings, compiled: Compiled, module: Any, data: Loaded, arch: Mapping[str, Any]
) -> Mapping[str, Tensor] | None:
    """What an architecture inherits from the run, its batch norms calibrated on the data; None for fresh weights."""
    from tanglec.cli.run_folder import read_record
    from tanglec.cli.standalone import inherited
    from tanglert.train import inherited_weights, recalibrated

    if plan.parent is None:
        return None
    weights = inherited_weights(plan.parent, module.SPACE)
    options = read_record(plan.parent, "config.json")["options"]
    calibrated = recalibrated(weights, module, module.Arch.from_dict(arch), data, options)
    return inherited(compiled, arch, calibrated)


def _show(plan: Trainings, results: Sequence[Trained], as_json: bool) -> None:
    """A row for each run; or one JSON object, for programs."""
    from json import dumps, loads

    from tanglec.cli.tables import decimal, table

    folders = [folder for folder, *_ in plan.each()]
    if as_json:
        runs = [{**loads(r.to_json()), "folder": f.as_posix()} for f, r in zip(folders, results)]
        print(dumps({"folder": plan.out.as_posix(), "runs": runs}, indent=2))
        return
    first = results[0]
    print(f"\n{first.space}, {first.init}, on {first.held_out:,} held-out samples\n")
    head = ["", first.metric, "loss", "seed", "epochs", "parameters", "multiply-adds", "seconds"]
    rows = [
        [f.as_posix(), f"{r.test[r.metric]:.4f}", f"{r.test['loss']:.4f}", str(r.seed), str(r.epochs)]
        + [decimal(r.params), decimal(r.macs), f"{r.seconds:.0f}"]
        for f, r in zip(folders, results)
    ]
    print("\n".join(table([head, *rows])))
    if len(plan.seeds) > 1:
        print("\n".join(["", *_over_seeds(plan, results)]))
    print(
        "\n  each folder: model.py and model.safetensors (plain PyTorch), result.json, metrics.jsonl, recipe.toml"
    )


def _over_seeds(plan: Trainings, results: Sequence[Trained]) -> list[str]:
    """Mean and deviation for each architecture."""
    from json import dumps
    from statistics import mean, stdev

    lines, count = [], len(plan.seeds)
    for number, arch in enumerate(plan.architectures):
        values = [r.test[r.metric] for r in results[number * count : (number + 1) * count]]
        lines.append(f"  {mean(values):.4f} ± {stdev(values):.4f} over {count} seeds: {dumps(arch)}")
    return lines
