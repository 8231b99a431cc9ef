"""`tanglec compare`: methods x seeds on one space, in one table."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tanglec.cli.arguments import AsJSON, File, Params
from tanglec.cli.messages import BadOption, fail, reported
from tanglec.cli.processes import STOPPED, Processes, log_of

if TYPE_CHECKING:
    from tanglec.comparison import Method, Outcome
    from tanglec.diagnostics import CompileError
    from tanglec.ir.extents import Scalar
    from tanglec.source import Source

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


@dataclass(frozen=True)
class Job:
    """One run of the comparison: a method and a seed, in a folder."""

    method: Method
    seed: int
    folder: Path
    parent: Path | None = None

    @property
    def complete(self) -> bool:
        """Whether it has run to its end."""
        return (self.folder / "result.json").is_file()

    def options(self) -> list[str]:
        """What sets it apart, as `--set` takes it."""
        return [*self.method.options(), f"seed={self.seed}"]


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
        from tanglec.recipes import find_recipe

        analysis = analysed(file, read_params(param))
        space = analysis.space
        chosen, numbers = _methods(methods), _numbers(seeds)
        folder = out or Path("runs", f"{space.name}-compare")
        common = _common(recipe, set_, data, param)
        if train is not None:
            find_recipe(train, analysis.source)  # before hours are spent on the searches
        plan = _plan(chosen, numbers, folder)
        _require_the_same(analysis.source, plan, recipe, set_ or [], data, read_params(param))
        failed = [job for wave in plan for job in _run_all(file, wave, common, jobs)]
        found = [job for wave in plan for job in wave if job.method in chosen and job.complete]
        if train is not None:
            failed += _train_all(found, train, data, jobs)
        if found:
            record = _record(folder, space.name, recipe, chosen, found, train)
            if not (json and failed):  # programs get one object, the error
                _show(record, folder, json)
        if failed:
            raise _failure(failed)


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


def _common(
    recipe: str | None, sets: Sequence[str] | None, data: str | None, params: Sequence[str] | None
) -> list[str]:
    """Arguments of `search` that all runs share."""
    given = [("--recipe", recipe), ("--data", data)]
    pairs = [(flag, value) for flag, value in given if value is not None]
    pairs += [("--set", text) for text in sets or ()] + [("--param", text) for text in params or ()]
    return [part for pair in pairs for part in pair]


def _plan(methods: Sequence[Method], seeds: Sequence[int], folder: Path) -> tuple[list[Job], list[Job]]:
    """The runs that train a supernet, then those that search one again."""
    bases = [m.base for m in methods if m.base is not None]
    training = dict.fromkeys([*(m for m in methods if m.base is None), *bases])
    first = [Job(m, seed, folder / f"{m.folder}-{seed}") for m in training for seed in seeds]
    again = [
        Job(m, seed, folder / f"{m.folder}-{seed}", folder / f"{m.base.folder}-{seed}")
        for m in methods
        if m.base is not None
        for seed in seeds
    ]
    return first, again


def _run_all(file: str, jobs: Sequence[Job], common: Sequence[str], at_once: int) -> list[Job]:
    """Every run that is not complete, and can be: those that failed."""
    waiting = [
        j for j in jobs if not j.complete and (j.parent is None or (j.parent / "result.json").is_file())
    ]
    return _execute({job: _search(file, job, common) for job in waiting}, at_once)


def _require_the_same(
    space: Source,
    plan: Iterable[Sequence[Job]],
    recipe: str | None,
    sets: Sequence[str],
    data: str | None,
    params: Mapping[str, Scalar],
) -> None:
    """Raises `CompileError` where a run that is complete is none of this comparison."""
    complete = [job for wave in plan for job in wave if job.complete]
    if not complete:
        return
    from tanglec.cli.repeated import require_the_same
    from tanglec.cli.settings import settings
    from tanglec.cli.training import need_torch

    need_torch()
    for job in complete:
        own = [*sets, *job.options()]
        # a supernet that is searched again has the recipe already
        asked = settings(None if job.parent else recipe, space, {}, own, data, params, {})
        require_the_same(job.folder, space, asked, job.parent)


def _search(file: str, job: Job, common: Sequence[str]) -> list[str]:
    """The command of a run: new, or resumed."""
    options = [part for text in job.options() for part in ("--set", text)]
    resume = ["--resume"] if (job.folder / "config.json").is_file() else []
    if job.parent is None:
        return ["search", file, *common, *options, "--out", str(job.folder), *resume]
    sets = [part for pair in _pairs(common, "--set") for part in pair]
    return ["search", "--from", str(job.parent), *sets, *options, "--out", str(job.folder), *resume]


def _pairs(arguments: Sequence[str], flag: str) -> Iterator[tuple[str, str]]:
    for name, value in zip(arguments[::2], arguments[1::2], strict=True):
        if name == flag:
            yield name, value


def _train_all(jobs: Sequence[Job], recipe: str, data: str | None, at_once: int) -> list[Job]:
    """What every run found, trained from scratch; those that failed."""
    given = [] if data is None else ["--data", data]
    commands = {}
    for found in jobs:
        job = Job(found.method, found.seed, _training(found, recipe))
        if not job.complete:
            resume = ["--resume"] if (job.folder / "config.json").is_file() else []
            arguments = ["--init", "retrain", "--recipe", recipe, "--set", f"seed={job.seed}", *given]
            commands[job] = ["train", str(found.folder), *arguments, "--out", str(job.folder), *resume]
    return _execute(commands, at_once)


def _training(job: Job, recipe: str) -> Path:
    """The folder in which what a run found is trained by a recipe, which may be in any file."""
    from tanglec.comparison import folder_name

    return job.folder / f"train-{folder_name(recipe)}"


def _execute(commands: Mapping[Job, Sequence[str]], at_once: int) -> list[Job]:
    """Several commands at a time; those that failed, when all have run."""
    codes = Processes(at_once).run({job.folder: arguments for job, arguments in commands.items()})
    if STOPPED in codes.values():
        print("stopped and saved; the same command goes on", file=sys.stderr)
        raise typer.Exit(STOPPED)
    return [job for job in commands if codes[job.folder]]


def _failure(failed: Sequence[Job]) -> CompileError:
    """Which runs failed, and the error of the first of them; its last words, if it was killed."""
    log = log_of(failed[0].folder)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    said = [line for line in lines if line.startswith("error")] or lines[-1:]
    names = ", ".join(job.folder.name for job in failed)
    return fail("TSP0920", f"runs failed: {names}", *said[:1], f"all it said is in {log.as_posix()}")


def _outcome(job: Job, train: str | None) -> Outcome:
    from tanglec.comparison import read_outcome

    trained = None if train is None else _training(job, train)
    trained = trained if trained is not None and (trained / "result.json").is_file() else None
    return read_outcome(job.folder, job.seed, job.parent, trained)


def _record(
    folder: Path,
    space: str,
    recipe: str | None,
    methods: Sequence[Method],
    jobs: Sequence[Job],
    train: str | None,
) -> dict[str, Any]:
    """All figures, written to DIR/compare.json, and the page of it."""
    from dataclasses import asdict
    from json import dumps

    from tanglec.cli.files import write_all
    from tanglec.cli.run_folder import read_record

    found = {m.text: [asdict(_outcome(job, train)) for job in jobs if job.method == m] for m in methods}
    some = jobs[0].folder
    result, config = read_record(some, "result.json"), read_record(some, "config.json")
    record = {
        "space": space,
        "recipe": recipe,
        **{name: result[name] for name in ("metric", "higher", "held_out")},
        **{name: config[name] for name in ("data", "versions", "device", "threads")},
        "methods": {name: outcomes for name, outcomes in found.items() if outcomes},
    }
    pages = {folder / "compare.html": page} if (page := _page(record)) else {}
    write_all({folder / "compare.json": dumps(record, indent=1) + "\n", **pages})
    return record


def _page(record: Mapping[str, Any]) -> str | None:
    """The page of the comparison; None where plotly is not installed."""
    from tanglec.report import MissingPlotly, comparison_page

    try:
        return comparison_page(record)
    except MissingPlotly:
        return None


def _show(record: Mapping[str, Any], folder: Path, as_json: bool) -> None:
    from json import dumps

    if as_json:
        print(dumps(record, indent=2))
        return
    from tanglec.cli.tables import decimal, memory, table
    from tanglec.comparison import Outcome, rows

    def spread(value: float | None, deviation: float | None) -> str:
        if value is None:
            return ""
        return f"{value:.4g}" + ("" if deviation is None else f" ± {deviation:.2g}")

    lines = rows({name: [Outcome(**o) for o in given] for name, given in record["methods"].items()})
    trained = any(row.trained is not None for row in lines)
    head = [
        "method",
        "runs",
        record["metric"],
        *(["trained"] if trained else []),
        "random",
        "time",
        "memory",
        "parameters",
    ]
    body = [
        [
            row.method,
            str(row.runs),
            spread(row.metric, row.deviation),
            *([spread(row.trained, row.trained_deviation)] if trained else []),
            spread(row.random, None),
            f"{row.seconds:.0f} s",
            "" if row.memory is None else memory(round(row.memory)),
            decimal(round(row.params)),
        ]
        for row in lines
    ]
    print(f"\n{record['space']}, {record['metric']} on the held-out part with inherited weights"
          f" ({'higher' if record['higher'] else 'lower'} is better), mean and deviation over seeds\n")  # fmt: skip
    print("\n".join(table([head, *body])))
    print(f"\n  all figures: {(folder / 'compare.json').as_posix()}")
    if (folder / "compare.html").is_file():
        print(f"  curves: {(folder / 'compare.html').as_posix()}")
    else:
        print("  curves: pip install 'tanglec[report]', and the same command again")
