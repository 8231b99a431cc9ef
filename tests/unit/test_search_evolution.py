"""Evolutionary search: better than random, never twice the same, within limits, and the same after a resume."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from statistics import median
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanglec.api import compile_file
from tanglert import ArchBase
from tanglert.search import Budget, Evolution, EvolutionSettings, NothingAdmitted, RandomSearch, Strategy
from tanglert.search.genes import Genes
from tests import tiny

SMALL = EvolutionSettings(population=8, parents=3, mutations=3, crossovers=3)


@cache
def module(name: str) -> Any:
    return compile_file(name).load()


def additive(space: Any, seed: int) -> Callable[[ArchBase], dict[str, float]]:
    """A planted score: every choice at every present position is worth something of its own."""
    values = random.Random(seed)
    worth = {(p, i): values.random() for p in space.positions for i in range(len(p.choices))}
    genes = Genes(space)
    return lambda arch: {"accuracy": sum(worth[gene] for gene in genes.of(arch).items())}


def accuracy(metrics: Mapping[str, float]) -> float:
    return metrics["accuracy"]


@dataclass
class Counted:
    """A measure that counts what it is asked for."""

    measure: Callable[[Any], dict[str, float]]
    seen: Counter[ArchBase] = field(default_factory=Counter)

    def __call__(self, arch: ArchBase) -> dict[str, float]:
        self.seen[arch] += 1
        return self.measure(arch)


def evolve(space: Any, measure: Any, evaluations: int, seed: int = 0, **options: Any) -> Evolution[Any]:
    sampler = space.Sampler(seed)
    return Evolution(space.Arch, sampler, measure, accuracy, evaluations, seed=100 + seed, **options)


def finish(search: Strategy[Any]) -> Strategy[Any]:
    while not search.done:
        search.advance()
    return search


def test_it_beats_random_search_at_equal_budget() -> None:
    vit = module("vit_mini")
    bred, drawn = [], []
    for seed in range(5):
        measure = additive(vit.SPACE, seed)
        search = RandomSearch(vit.Arch, vit.Sampler(seed), measure, accuracy, 200)
        for found, results in (
            (finish(evolve(vit, measure, 200, seed)), bred),
            (finish(search), drawn),
        ):
            results.append(found.worth(found.best()))
    assert median(bred) > median(drawn)
    assert all(b >= d for b, d in zip(bred, drawn))


@pytest.mark.parametrize("seed", range(3))
def test_it_finds_the_optimum_of_an_additive_score(seed: int) -> None:
    vit = module("vit_mini")
    measure = additive(vit.SPACE, seed)
    found = finish(evolve(vit, measure, EvolutionSettings().evaluations, seed)).best()
    assert accuracy(measure(found)) == pytest.approx(max(optima(vit, measure)))


def optima(vit: Any, measure: Callable[[ArchBase], dict[str, float]]) -> list[float]:
    """The best score at each embedding and depth, one position improved after the other: they are independent."""
    best = []
    for embed, depth in product((32, 48, 64), (2, 3, 4)):
        fields: dict[str, Any] = {"embed": embed, "depth": depth, "heads": [2] * 4, "ratio": [2] * 4}
        for name, layer in product(("heads", "ratio"), range(4)):
            rows = [fields[name][:layer] + [choice] + fields[name][layer + 1 :] for choice in (2, 3, 4)]
            fields[name] = max(rows, key=lambda row: measure(vit.Arch(**{**fields, name: row}))["accuracy"])
        best.append(measure(vit.Arch(**fields))["accuracy"])
    return best


def test_no_architecture_is_evaluated_twice_and_a_small_space_is_used_up() -> None:
    measure = Counted(additive(tiny.SPACE, 0))
    search = finish(evolve(tiny, measure, 1000, settings=SMALL))
    assert len(search.history) == 42
    assert set(measure.seen.values()) == {1}
    assert search.exhausted


@settings(max_examples=15)
@given(stop=st.integers(0, 30))
def test_it_goes_on_where_it_stopped(stop: int) -> None:
    measure = additive(tiny.SPACE, 0)
    straight = finish(evolve(tiny, measure, 30, settings=SMALL))
    first = evolve(tiny, measure, 30, settings=SMALL)
    for _ in range(stop):
        first.advance()
    second = evolve(tiny, measure, 30, seed=9, settings=SMALL)
    second.load_state_dict(first.state_dict())
    assert list(finish(second).history.items()) == list(straight.history.items())


def test_kept_edges_forbidden_choices_and_conditions_are_bred_too() -> None:
    darts = module("darts")
    search = finish(evolve(darts, additive(darts.SPACE, 0), 40, settings=SMALL))
    forbidden = {dim.name: set(dim.forbidden) for dim in darts.SPACE.dims}
    for arch in search.history:
        assert arch.allowed()
        for position, index in Genes(darts.SPACE).of(arch).items():
            assert position.choices[index] not in forbidden[position.dim]


def test_a_budget_is_kept_by_every_architecture() -> None:
    vit = module("vit_mini")
    budget = Budget(vit, max_params=60_000, max_macs=4_000_000)
    for search in (
        evolve(vit, additive(vit.SPACE, 0), 60, settings=SMALL, admit=budget),
        RandomSearch(vit.Arch, vit.Sampler(0), additive(vit.SPACE, 0), accuracy, 60, admit=budget),
    ):
        finish(search)
        assert len(search.history) == 60
        assert max(map(vit.count_params, search.history)) <= 60_000
        assert max(map(vit.count_macs, search.history)) <= 4_000_000


def test_a_budget_that_little_fits_into_is_used_up() -> None:
    fits = Budget(tiny, max_params=100)
    search = finish(evolve(tiny, additive(tiny.SPACE, 0), 1000, settings=SMALL, admit=fits))
    archs = finish(evolve(tiny, additive(tiny.SPACE, 0), 1000, settings=SMALL)).history
    assert set(search.history) == {arch for arch in archs if tiny.count_params(arch) <= 100}


def test_a_budget_that_nothing_fits_into_says_so() -> None:
    search = evolve(tiny, additive(tiny.SPACE, 0), 10, admit=Budget(tiny, max_params=10))
    with pytest.raises(NothingAdmitted, match=r"max_params=10 is below the smallest .* tiny "):
        search.advance()


def test_a_score_that_is_no_number_is_never_best_and_has_no_children() -> None:
    def measure(arch: tiny.Arch) -> dict[str, float]:
        return {"accuracy": math.nan if arch.depth == 3 else float(arch.width)}

    search = evolve(tiny, measure, 20, settings=SMALL)
    finish(search)
    assert search.best().width == 16 and search.best().depth < 3
    assert all(arch.depth < 3 for arch in search.parents())


@settings(max_examples=30)
@given(seed=st.integers(0, 1000))
def test_a_child_has_only_genes_of_its_parents_where_they_have_any(seed: int) -> None:
    sampler, genes = tiny.Sampler(seed), Genes(tiny.SPACE, seed)
    mother, father = genes.of(sampler()), genes.of(sampler())
    child = genes.cross(mother, father)
    for position, index in child.items():
        parents = {genome[position] for genome in (mother, father) if position in genome}
        assert index in (parents or range(len(position.choices)))
    assert genes.mutate(mother, dict.fromkeys(tiny.SPACE.positions, 0.0)).items() >= mother.items()


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit into a population of 10"):
        EvolutionSettings(population=10, mutations=6, crossovers=6)
    with pytest.raises(ValueError, match="gene_probability must lie between 0 and 1"):
        EvolutionSettings(gene_probability=1.5)
    with pytest.raises(ValueError, match="max_params must be 1 at least"):
        Budget(tiny, max_params=0)
