"""Several objectives: fronts against their definition, and NSGA-II."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanglert.search import NSGA2, Budget, MissingLibrary, NSGA2Settings, RandomSearch, front, nondominated
from tests import tiny
from tests.unit.test_search_evolution import Counted, accuracy, additive, finish, module

SMALL = NSGA2Settings(population=8)
COSTS = {"params": tiny.count_params}


def breed(space: Any, measure: Any, evaluations: int, seed: int = 0, **options: Any) -> NSGA2[Any]:
    pytest.importorskip("pymoo")
    options = {"costs": {"params": space.count_params}, "settings": SMALL, **options}
    return NSGA2(space.Arch, space.Sampler(seed), measure, accuracy, evaluations, seed=100 + seed, **options)


def dominates(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return all(x <= y for x, y in zip(a, b)) and a != b


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 2)), max_size=20))
def test_the_front_is_what_no_point_dominates(points: list[tuple[int, ...]]) -> None:
    kept = [i for i, p in enumerate(points) if not any(dominates(q, p) for q in points)]
    assert nondominated(points) == kept


def test_every_search_has_a_front() -> None:
    measure = additive(tiny.SPACE, 1)
    search = finish(RandomSearch(tiny.Arch, tiny.Sampler(0), measure, accuracy, 30))
    archs = front(search, COSTS)
    scores = [search.worth(arch) for arch in archs]
    assert archs[0] == search.best()
    assert scores == sorted(scores, reverse=True)
    costs = [tiny.count_params(arch) for arch in archs]
    assert costs == sorted(costs, reverse=True)


def test_it_comes_closer_to_the_front_than_random_search() -> None:
    vit = module("vit_mini")
    better = []
    for seed in range(5):
        measure, costs = additive(vit.SPACE, seed), {"params": vit.count_params}
        bred = breed(vit, measure, 300, seed, settings=NSGA2Settings(population=30))
        drawn = RandomSearch(vit.Arch, vit.Sampler(seed), measure, accuracy, 300)
        better.append(volume(finish(bred), costs) > volume(finish(drawn), costs))
    assert sum(better) >= 4


def volume(search: Any, costs: Any) -> float:
    """The area of score and parameters that the front dominates, up to 205,000 parameters."""
    area, reach = 0.0, 205_000.0
    for arch in front(search, costs):
        cost = costs["params"](arch)
        area += max(0.0, reach - cost) * search.worth(arch)
        reach = min(reach, cost)
    return area


def test_it_evaluates_nothing_twice_and_uses_a_small_space_up() -> None:
    measure = Counted(additive(tiny.SPACE, 0))
    search = finish(breed(tiny, measure, 1000))
    assert len(search.history) == 42
    assert set(measure.seen.values()) == {1}


def test_survivors_stand_by_front_and_keep_its_ends() -> None:
    search = breed(tiny, additive(tiny.SPACE, 0), 4 * SMALL.population)
    finish(search)
    search._breed({})
    kept = set(search.population)
    assert {search.front()[0], search.front()[-1]} <= kept
    assert len(kept) == SMALL.population


@settings(max_examples=15)
@given(stop=st.integers(0, 30))
def test_it_goes_on_where_it_stopped(stop: int) -> None:
    measure = additive(tiny.SPACE, 0)
    straight = finish(breed(tiny, measure, 30))
    first = breed(tiny, measure, 30)
    for _ in range(stop):
        first.advance()
    second = breed(tiny, measure, 30, seed=9)
    second.load_state_dict(first.state_dict())
    assert list(finish(second).history.items()) == list(straight.history.items())


def test_a_budget_is_kept() -> None:
    vit = module("vit_mini")
    budget = Budget(vit, max_macs=4_000_000)
    search = finish(breed(vit, additive(vit.SPACE, 0), 60, admit=budget))
    assert len(search.history) == 60
    assert max(map(vit.count_macs, search.history)) <= 4_000_000


def test_a_score_that_is_no_number_is_on_no_front_and_does_not_survive() -> None:
    def measure(arch: tiny.Arch) -> dict[str, float]:
        return {"accuracy": math.nan if arch.width == 4 else float(arch.width)}

    search = breed(tiny, measure, 4 * SMALL.population)
    finish(search)
    assert all(arch.width > 4 for arch in (*search.front(), *search.population))


def test_without_pymoo_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymoo.core.population", None)
    with pytest.raises(MissingLibrary, match="pip install"):
        NSGA2(tiny.Arch, tiny.Sampler(0), additive(tiny.SPACE, 0), accuracy, 10, costs=COSTS)


def test_one_objective_is_refused() -> None:
    with pytest.raises(ValueError, match="give nsga2 a cost"):
        NSGA2(tiny.Arch, tiny.Sampler(0), additive(tiny.SPACE, 0), accuracy, 10, costs={})
