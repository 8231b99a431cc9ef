"""Budgets: refused when nothing fits, and kept where little does."""

from __future__ import annotations

import pytest

from tanglert.sample.enumeration import architectures
from tanglert.search import Budget, Limit, NothingAdmitted, RandomSearch
from tanglert.search.descent import descend
from tests import tiny
from tests.unit.test_search_evolution import accuracy, additive, evolve, finish, module

SMALLEST = min(map(tiny.count_params, architectures(tiny.Arch)))


def test_limits_below_the_smallest_architecture_are_refused() -> None:
    Budget(tiny, max_params=SMALLEST).check()
    with pytest.raises(
        NothingAdmitted, match=rf"max_params={SMALLEST - 1} is below .* tiny .* has {SMALLEST} "
    ):
        Budget(tiny, max_params=SMALLEST - 1).check()


def test_limits_that_exclude_each_other_are_refused() -> None:
    depth = Limit(1.5, lambda arch: 4 - arch.depth)
    budget = Budget(tiny, max_params=SMALLEST + 10, others={"max_shallowness": depth})
    with pytest.raises(NothingAdmitted, match="within all limits .*max_shallowness=1.5"):
        budget.check()


@pytest.mark.parametrize("seed", range(3))
def test_steps_lead_to_the_smallest_architecture(seed: int) -> None:
    vit = module("vit_mini")
    start = vit.Sampler(seed)()
    found = descend(start, vit.count_params)
    assert found == descend(start, vit.count_params)
    assert found.to_dict() == {
        "embed": 32, "depth": 2, "heads": [2, 2, None, None], "ratio": [2, 2, None, None]
    }  # fmt: skip


def test_what_is_too_large_is_made_to_fit() -> None:
    vit = module("vit_mini")
    sampler, budget = vit.Sampler(0), Budget(vit, max_params=26_000)
    drawn = [sampler() for _ in range(30)]
    repaired = [budget.repaired(arch) for arch in drawn]
    assert all(arch is not None and budget(arch) for arch in repaired)
    assert len(set(repaired)) > 5  # not always the smallest
    fitting = repaired[0]
    assert fitting is not None and budget.repaired(fitting) == fitting


def test_a_tight_budget_is_searched_all_the_same() -> None:
    vit = module("vit_mini")
    least = vit.count_params(descend(vit.Sampler(0)(), vit.count_params))
    budget = Budget(vit, max_params=least + 3000)
    measure = additive(vit.SPACE, 0)
    for search in (
        RandomSearch(vit.Arch, vit.Sampler(0), measure, accuracy, 4, admit=budget),
        evolve(vit, measure, 4, admit=budget),
    ):
        finish(search)
        assert len(search.history) == 4 and all(map(budget, search.history))


def test_other_limits_are_above_0() -> None:
    with pytest.raises(ValueError, match="max_latency must be above 0, not -1"):
        Budget(tiny, others={"max_latency": Limit(-1, tiny.count_params)})
