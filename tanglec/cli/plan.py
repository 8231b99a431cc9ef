"""What a search is to do: a new one, one that is resumed, or one with the supernet of another run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tanglec.cli.analysis import Analysed, analysed_source
from tanglec.cli.messages import BadOption, fail
from tanglec.cli.run_folder import (
    new_folder,
    read_record,
    recorded_params,
    recorded_space,
    recorded_weights,
    texts,
)
from tanglec.cli.settings import Settings, exact
from tanglec.library import libraries_for
from tanglec.source import Source

if TYPE_CHECKING:
    from tanglec.api import Compiled


@dataclass(frozen=True)
class Plan:
    """A space, the settings of the search, and its folder. parent: the run whose supernet it searches."""

    analysed: Analysed
    settings: Settings
    out: Path
    parent: Path | None = None

    @cached_property
    def compiled(self) -> Compiled:
        """The space, compiled; each stage of a progressive search compiles it with params of its own."""
        return self._compiled(self.analysed)

    def stages(self) -> list[Compiled]:
        """The space as every stage of a progressive search has it; empty for any other."""
        return [self._compiled(self._with(stage.params)) for stage in self.settings.checked().stages]

    @property
    def inherits(self) -> bool:
        """Whether the supernet that the search ends with has the weights of the architecture that it finds."""
        stages = self.settings.checked().stages
        return not stages or self._with(stages[-1].params).space == self.analysed.space

    def files(self, resume: bool) -> dict[str, str]:
        """Texts for the folder of the run. A run that is resumed keeps its recipe, which knows origins."""
        space = self.analysed.space
        if len(space.network.outputs) != 1:
            raise fail("TSP0918", f"the network of `{space.name}` has several results; a search needs one")
        generated = self.compiled.files[f"{space.name}.py"]
        own = texts(self.analysed, self.settings.params, self.settings.weights, generated)
        recipe = self.out / "recipe.toml"
        return own if resume and recipe.is_file() else {**own, recipe.name: self.settings.text()}

    def _compiled(self, analysed: Analysed) -> Compiled:
        from tanglec.api import Compiled

        return Compiled(analysed.space, analysed.source, analysed.warnings)

    def _with(self, params: Mapping[str, Any]) -> Analysed:
        source = self.analysed.source
        own = {**self.settings.params, **exact(params)}
        return analysed_source(source, libraries_for(Path(source.path)), own, **self.settings.weights)


def begun(space: Source, settings: Settings, out: Path | None) -> Plan:
    """A new search. Raises `CompileError` on errors of the space, and TSP0911 where the folder holds a run."""
    analysed = analysed_source(space, libraries_for(Path(space.path)), settings.params, **settings.weights)
    options = settings.checked()
    default = Path("runs", f"{analysed.space.name}-{options.optimizer}")
    return Plan(analysed, settings, new_folder(out or default))


def resumed(space: Source, given: Settings, out: Path | None) -> Plan:
    """The search in a folder, with its own settings; what is given besides must not contradict them."""
    if out is None:
        named = analysed_source(space, libraries_for(Path(space.path)), given.params, **given.weights)
        out = Path("runs", f"{named.space.name}-{given.checked().optimizer}")
    config, params = read_record(out, "config.json"), recorded_params(out)
    if "init" in config:
        raise fail("TSP0911", f"`{out.as_posix()}` holds the training of one architecture, not a search")
    if {**params, **given.params} != params:
        raise fail("TSP0909", f"the run in `{out.as_posix()}` has other params", "leave `--param` out")
    settings = Settings(config["options"], config["data"], params, recorded_weights(out)).over(
        options=given.options, data=given.data
    )
    analysed = analysed_source(space, libraries_for(Path(space.path)), params, **settings.weights)
    parent = config.get("parent")
    return Plan(analysed, settings, out, None if parent is None else Path(parent["run"]))


def begun_from(run: Path, given: Settings, out: Path | None, resume: bool) -> Plan:
    """A search with the supernet of a run. Raises `CompileError`, of a run that is none or has no such supernet."""
    analysed, config = recorded_space(run), read_record(run, "config.json")
    if given.params and {**recorded_params(run), **given.params} != recorded_params(run):
        raise BadOption("a run knows its params; `--param` goes with a space")
    origins = dict.fromkeys(config["options"], f"the run {run.as_posix()}")
    settings = Settings(
        config["options"], config["data"], recorded_params(run), recorded_weights(run), origins
    )
    settings = settings.over(options=given.options, data=given.data, origins=given.origins)
    options = settings.checked()
    if options.by_gradients:
        raise BadOption(
            f"`--from {run.as_posix()}` is a run of {options.optimizer}, which has found its architecture by gradients",
            "take a run of spos, fairnas, random-a, sandwich or shrinking",
        )
    out = out or run.with_name(f"{run.name}-{options.strategy}")
    plan = Plan(analysed, replace(settings, recipe=f"the run {run.as_posix()}"), out, run)
    return plan if resume else replace(plan, out=new_folder(out))
