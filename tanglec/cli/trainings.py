"""What `tanglec train` is to do: architectures, seeds, settings, folders; begun, or read back to go on.

train.json     in the folder as a whole: what was asked for; beside it, or in 1/, 2/, …, the runs themselves
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tanglec.cli.analysis import Analysed, analysed_source, architecture
from tanglec.cli.files import write_all
from tanglec.cli.messages import BadOption, fail
from tanglec.cli.run_folder import (
    new_folder,
    read_record,
    recorded_params,
    recorded_space,
    recorded_weights,
    texts,
)
from tanglec.cli.settings import Settings
from tanglec.ir.extents import plain_scalar
from tanglec.library import libraries_for
from tanglec.source import Source

INITS = ("inherit", "finetune", "retrain")

TRAINING = (
    "crop", "flip", "cutout", "label_smoothing", "epochs", "batch_size", "accumulate", "weight_optimizer", "lr", "min_lr",
    "lr_warmup_epochs", "weight_decay", "beta1", "beta2", "momentum", "nesterov", "clip", "seed", "device", "precision",
    "save_every",
)  # fmt: skip
"""Options that the training of one network knows, among those of a search."""


@dataclass(frozen=True)
class Trainings:
    """Architectures of a space, each to be trained with every seed. parent: the run whose weights they inherit."""

    analysed: Analysed
    settings: Settings
    out: Path
    init: str
    architectures: Sequence[Mapping[str, Any]]
    seeds: Sequence[int]
    parent: Path | None = None

    def each(self) -> Iterator[tuple[Path, Mapping[str, Any], Settings]]:
        """The folder, architecture and settings of every run: one is in the folder itself, several below it."""
        jobs = [(arch, seed) for arch in self.architectures for seed in self.seeds]
        for number, (arch, seed) in enumerate(jobs, 1):
            own = self.settings.over(options={"seed": seed})
            yield (self.out if len(jobs) == 1 else self.out / str(number)), arch, own

    def files(self, generated: str) -> dict[str, str]:
        """Texts of the space, for every folder."""
        return texts(self.analysed, self.settings.params, self.settings.weights, generated)

    def record(self, generated: str) -> None:
        """Write what is to be done, so that it can be resumed as a whole. Raises `CompileError` (TSP0902)."""
        settings = self.settings
        kept = {
            "init": self.init,
            "parent": None if self.parent is None else self.parent.as_posix(),
            "architectures": list(self.architectures),
            "seeds": list(self.seeds),
            "settings": {
                **{name: dict(getattr(settings, name)) for name in ("options", "weights", "origins")},
                "params": {name: plain_scalar(value) for name, value in settings.params.items()},
                "data": settings.data,
                "recipe": settings.recipe,
            },
        }
        names = {**self.files(generated), "train.json": json.dumps(kept, indent=2) + "\n"}
        write_all({self.out / name: text for name, text in names.items()})


def begun(
    origin: Source | Path,
    given: Settings,
    init: str | None,
    archs: Sequence[str],
    seeds: Sequence[int],
    out: Path | None,
) -> Trainings:
    """New trainings: of a run's architecture, or of others, or in a space. Raises `CompileError`."""
    run, given = (origin if isinstance(origin, Path) else None), _of_training(given)
    init = init or ("retrain" if run is None else "finetune")
    if init not in INITS:
        raise BadOption(f"`--init {init}`", f"one of {', '.join(INITS)}")
    if isinstance(origin, Path):
        settings, analysed = _of_run(origin, given, init)
        archs = archs or [_found(origin)]
    else:
        if init != "retrain":
            raise BadOption(
                f"`--init {init}` begins with the weights of a run, and a space has none",
                "tanglec train RUN …",
            )
        settings = given
        analysed = analysed_source(origin, libraries_for(Path(origin.path)), given.params, **given.weights)
    if not archs:
        raise BadOption(
            f"which architecture of `{analysed.space.name}`? A space has many", "give one: --arch"
        )
    name = analysed.space.name
    default = Path("runs", f"{name}-{init}") if run is None else run.with_name(f"{run.name}-{init}")
    return Trainings(
        analysed,
        settings,
        new_folder(out or default),
        init,
        _read(archs, analysed),
        _seeds(seeds) or [settings.checked().seed],
        None if init == "retrain" else run,
    )


def resumed(
    out: Path, given: Settings, init: str | None, archs: Sequence[str], seeds: Sequence[int]
) -> Trainings:
    """The trainings in a folder, with what was asked for then; what is given besides must not contradict it."""
    record = read_record(out, "train.json")
    kept = dict(record["settings"])
    kept["params"] = recorded_params(out)
    settings = Settings(**kept)
    analysed = recorded_space(out)
    plan = Trainings(
        analysed,
        settings.over(data=given.data),
        out,
        record["init"],
        record["architectures"],
        record["seeds"],
        None if record["parent"] is None else Path(record["parent"]),
    )
    wanted = settings.over(options=_of_training(given).options)
    before, now = settings.checked().plain(), wanted.checked().plain()
    contradictions = {
        **{name: before[name] != now[name] for name in before if name != "device"},
        "init": init not in (None, plan.init),
        "arch": bool(archs) and _read(archs, analysed) != list(plan.architectures),
        "seed": before["seed"] != now["seed"] or bool(seeds) and list(seeds) != list(plan.seeds),
        "param": {**settings.params, **given.params} != settings.params,
    }
    for name, contradicts in contradictions.items():
        if contradicts:
            title = f"the training in `{out.as_posix()}` was started with another `{name}`"
            raise fail("TSP0911", title, "leave it out, or start a new one: --out")
    device = {"device": now["device"]} if now["device"] != before["device"] else {}
    return replace(plan, settings=plan.settings.over(options=device))


def _of_training(given: Settings) -> Settings:
    """Without the options that only a search has, as a recipe for one may have them. Raises `CompileError`."""
    for name in given.options:
        if name not in TRAINING and given.origins.get(name) == "--set":
            given.checked()  # there may be no such option at all
            raise BadOption(f"`{name}` is an option of searches; here there is nothing to search")
    return replace(given, options={k: v for k, v in given.options.items() if k in TRAINING})


def _of_run(run: Path, given: Settings, init: str) -> tuple[Settings, Analysed]:
    """The run's data, params and, without a recipe, its options for the weights; and its space."""
    if (run / "train.json").is_file():
        raise fail(
            "TSP0911",
            f"`{run.as_posix()}` trains architectures by themselves; train from the search, or the space",
        )
    config, params = read_record(run, "config.json"), recorded_params(run)
    merged = {**params, **given.params}
    if merged != params and init != "retrain":
        help = "--init retrain has fresh weights, for any params"
        raise BadOption("inherited weights fit only the params that the run was compiled with", help)
    own = {} if given.recipe else {k: v for k, v in config["options"].items() if k in TRAINING}
    settings = replace(
        given,
        options={**own, **given.options},
        data=given.data or config["data"],
        params=merged,
        weights=recorded_weights(run),
        origins={**dict.fromkeys(own, f"the run {run.as_posix()}"), **given.origins},
    )
    return settings, recorded_space(run, given.params)


def _found(run: Path) -> str:
    """The file of the architecture that a run found."""
    if not (run / "architecture.json").is_file():
        raise fail("TSP0911", f"the run `{run.as_posix()}` has found no architecture yet", "give one: --arch")
    return str(run / "architecture.json")


def _read(archs: Sequence[str], analysed: Analysed) -> list[dict[str, Any]]:
    from tanglec.architecture import show_architecture

    return [show_architecture(analysed.space, architecture(arch, analysed.space)) for arch in archs]


def _seeds(seeds: Sequence[int]) -> list[int]:
    if len(set(seeds)) < len(seeds):
        raise BadOption(f"a seed is given twice: {', '.join(map(str, seeds))}")
    return list(seeds)
