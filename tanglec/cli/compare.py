"""`tanglec compare`: methods x seeds on one space, in one table."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tanglec.cli.arguments import AsJSON, File, Params
from tanglec.cli.messages import BadOption, reported

if TYPE_CHECKING:
    from tanglec.comparison import Method

DEFAULT = "darts,gdas,drnas,spos,spos+evolution"
Methods = Annotated[
    str,
    typer.Option(
        metavar="M,M,…",
        help="OPTIMIZER, OPTIMIZER+STRATEGY (its supernet is trained once), or with options: `darts:order=2`;"
        " options of one method are separated by `;` in place of `,`.",
    ),
]
Seeds = Annotated[str, typer.Option(metavar="N,N,…", help="Each method runs once with each.")]
Recipe = Annotated[str | None, typer.Option("--recipe", metavar="NAME", help="Taken by all methods.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="OPTION=VALUE", help="For all methods.")]
Data = Annotated[str | None, typer.Option(metavar="NAME|PATH", help="As of `search`.")]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="[default: runs/SPACE-compare]")]
Jobs = Annotated[
    int, typer.Option(min=1, help="Runs at a time, each with its share of the processor's cores.")
]
Train = Annotated[
    str | None,
    typer.Option(
        "--train",
        metavar="RECIPE",
        help="Afterwards train what was found from scratch (`tanglec train --init retrain`) with this recipe.",
    ),
]


def compare(
    file: File,
    methods: Methods = DEFAULT,
    seeds: Seeds = "0,1,2",
    recipe: Recipe = None,
    set_: Set = None,
    data: Data = None,
    train: Train = None,
    jobs: Jobs = 1,
    out: Out = None,
    param: Params = None,
    json: AsJSON = False,
) -> None:
    """Run several methods with several seeds on one space, and print the table that papers print.

    Every run has a folder of its own in DIR. What is complete is not run again, what was stopped goes on: the
    same command resumes. DIR/compare.json has all figures, DIR/compare.html shows them.

    \b
    Examples:
      tanglec compare vit_mini --recipe small
      tanglec compare toy_cell --methods drnas,gdas,"darts:order=2",spos+evolution --seeds 0,1 --jobs 2
    """
    with reported("json" if json else "full"):
        from tanglec.cli.analysis import analysed
        from tanglec.cli.arguments import read_params
        from tanglec.cli.compared import record, show
        from tanglec.cli.jobs import Common, failure, planned, run_all
        from tanglec.recipes import find_recipe

        analysis = analysed(file, read_params(param))
        chosen, numbers = _methods(methods), _numbers(seeds)
        folder = out or Path("runs", f"{analysis.space.name}-compare")
        if train is not None:
            find_recipe(train, analysis.source)  # before hours are spent on the searches
        common = Common(file, analysis.source, recipe, set_ or [], data, param or [])
        plan = planned(chosen, numbers, folder)
        common.require_the_same(job for wave in plan for job in wave)
        failed = []
        for wave in plan:
            failed += run_all({job: common.search(job) for job in wave if job.ready}, jobs)
        found = [job for wave in plan for job in wave if job.method in chosen and job.complete]
        if train is not None:
            trainings = [job.training(train) for job in found]
            failed += run_all({job: common.train(job, train) for job in trainings if job.ready}, jobs)
        if found:
            figures = record(folder, analysis.space.name, recipe, chosen, found, train)
            if json and not failed:  # programs get one object, which may be the error
                print(dumps(figures, indent=2))
            elif not json:
                show(figures, folder)
        if failed:
            raise failure(failed)


def _methods(text: str) -> list[Method]:
    from tanglec.comparison import Method, MethodError

    try:
        return list(dict.fromkeys(Method.read(part.replace(";", ",")) for part in text.split(",")))
    except MethodError as error:
        raise BadOption(str(error), f"e.g. --methods {DEFAULT}") from error


def _numbers(text: str) -> list[int]:
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise BadOption(f"`--seeds {text}` is no list of whole numbers", "e.g. --seeds 0,1,2") from None
    return list(dict.fromkeys(numbers))
