"""From options to the parts that make a method: relaxation, sampler of paths, budget, search among architectures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tanglert.arch import ArchBase
from tanglert.protocols import PathSampler, Relaxation, SpaceModule, Task
from tanglert.relax import GDAS, ArchParameters, Darts, DrNAS
from tanglert.sample.fairnas import FairSampler
from tanglert.sample.random_a import UniqueSampler
from tanglert.sample.sandwich import SandwichSampler
from tanglert.sample.shrinking import ShrinkingSampler
from tanglert.search import (
    NSGA2,
    Budget,
    Evolution,
    EvolutionSettings,
    LatencyTable,
    Limit,
    NSGA2Settings,
    RandomSearch,
    Strategy,
)
from tanglert.train.options import Options, OptionsError
from tanglert.train.order import derived_seed

Measure = Callable[[ArchBase], dict[str, float]]
Cost = Callable[[ArchBase], float]


def relaxation(alphas: ArchParameters, module: SpaceModule, options: Options) -> Relaxation:
    """How the method makes probabilities from architecture parameters."""
    seed, decay = derived_seed(options.seed, options.optimizer), options.weight_decay_of_alphas
    if options.optimizer == "darts":
        return Darts(alphas, options.normalise, decay)
    if options.optimizer == "gdas":
        return GDAS(alphas, module.Arch, seed, decay, options.hot, options.cold)
    return DrNAS(alphas, seed, options.regulariser, options.strength)


def path_sampler(module: SpaceModule, options: Options) -> PathSampler:
    """Which architectures a step of one-shot training runs."""
    seed, name = derived_seed(options.seed, "paths"), module.SPACE.name
    if options.optimizer == "fairnas":
        return FairSampler(module.Arch, seed)
    if options.optimizer == "random-a":
        return UniqueSampler(module.Arch, module.Supernet, seed)
    if options.optimizer == "sandwich":
        return _by_size(SandwichSampler(module.Arch, seed, options.subnets), options, name)
    if options.optimizer == "shrinking":
        try:
            shrinking = ShrinkingSampler(module.Arch, seed, options.subnets, options.order_of_dims or None)
        except ValueError as error:
            raise OptionsError(f"order_of_dims: {error}", "order_of_dims") from error
        return _by_size(shrinking, options, name)
    return module.Sampler(seed)


def _by_size(sampler: SandwichSampler[ArchBase], options: Options, space: str) -> SandwichSampler[ArchBase]:
    """The sampler, if there is a largest and a smallest subnet. OptionsError otherwise."""
    if not sampler.sizes:
        raise OptionsError(
            f"{options.optimizer} runs the largest and smaller subnets, but no choice of `{space}` is a number:"
            " use spos or fairnas",
            "optimizer",
        )
    sampler.distils = options.distil
    return sampler


def budget(module: SpaceModule, options: Options) -> Budget | None:
    """What an architecture may cost; None without a limit. NothingAdmitted where none seems to keep it."""
    others = {}
    if options.max_latency is not None:
        others["max_latency"] = Limit(options.max_latency, costs(module, options)["latency"])
    if options.max_params is None and options.max_macs is None and not others:
        return None
    limits = Budget(module, options.max_params, options.max_macs, others)
    limits.check()
    return limits


def strategy(
    module: SpaceModule,
    task: Task,
    measure: Measure,
    admit: Budget | None,
    costs: Mapping[str, Cost],
    options: Options,
) -> Strategy[ArchBase]:
    """How architectures are searched after training on sampled subnets."""
    if options.strategy == "random":
        return random_search("ranking", options.evaluations, module, task, measure, admit, options)
    sampler = module.Sampler(derived_seed(options.seed, "ranking"))
    parts = (module.Arch, sampler, measure, task.score, options.evaluations)
    seed = derived_seed(options.seed, "breeding")
    if options.strategy == "evolution":
        return Evolution(*parts, settings=evolution_settings(options), seed=seed, admit=admit)
    published = NSGA2Settings()
    settings = replace(published, population=options.population or generation(published.population, options))
    return NSGA2(*parts, costs=costs, settings=settings, seed=seed, admit=admit)


def random_search(
    purpose: str,
    count: int,
    module: SpaceModule,
    task: Task,
    measure: Measure,
    admit: Budget | None,
    options: Options,
) -> RandomSearch[ArchBase]:
    """Random architectures, a series of its own for every purpose."""
    sampler = module.Sampler(derived_seed(options.seed, purpose))
    return RandomSearch(module.Arch, sampler, measure, task.score, count, admit=admit)


def evolution_settings(options: Options) -> EvolutionSettings:
    """Those that are given; else AutoFormer's, as far as a fifth of the evaluations makes a generation."""
    published = EvolutionSettings()
    size = options.population or generation(published.population, options)
    half = size * published.mutations // published.population
    settings = {
        "population": size,
        "parents": options.parents or min(published.parents, size),
        "mutations": half if options.mutations is None else options.mutations,
        "crossovers": half if options.crossovers is None else options.crossovers,
        "gene_probability": options.gene_probability,
        "network_probability": options.network_probability,
    }
    try:
        given: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
        return replace(published, **given)
    except ValueError as error:
        raise OptionsError(str(error)) from None


def generation(published: int, options: Options) -> int:
    """How many architectures a generation has, so that there are five at least to breed in."""
    return max(2, min(published, options.evaluations // 5))


def costs(module: SpaceModule, options: Options) -> dict[str, Cost]:
    """What an architecture costs, by name: parameters, multiply-adds, and ms where there is a table."""
    own: dict[str, Cost] = {"params": module.count_params, "macs": module.count_macs}
    if options.latency is not None:
        own["latency"] = LatencyTable.read(Path(options.latency), module.SPACE)
    return own
