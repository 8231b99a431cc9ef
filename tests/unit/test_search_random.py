"""Random search: never twice the same, always the same again."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tanglert.search import RandomSearch
from tests import tiny


class Measure:
    """Counts evaluations; wider is better."""

    def __init__(self) -> None:
        self.seen: Counter[tiny.Arch] = Counter()

    def __call__(self, arch: tiny.Arch) -> dict[str, float]:
        self.seen[arch] += 1
        return {"accuracy": float(tiny.count_params(arch))}


def search(evaluations: int, measure: Measure, seed: int = 0) -> RandomSearch[Any]:
    return RandomSearch(tiny.Arch, tiny.Sampler(seed), measure, lambda m: m["accuracy"], evaluations)


def finish(random: RandomSearch[Any]) -> RandomSearch[Any]:
    while not random.done:
        random.advance()
    return random


def test_no_architecture_is_evaluated_twice() -> None:
    measure = Measure()
    finish(search(30, measure))
    assert len(measure.seen) == 30
    assert set(measure.seen.values()) == {1}


def test_it_ends_when_the_space_is_used_up() -> None:
    random = finish(search(1000, Measure()))
    assert len(random.history) == 42
    assert random.best() == tiny.Arch(16, 3, (4, 4, 4))


def test_it_is_repeatable_and_goes_on_where_it_stopped() -> None:
    straight = finish(search(20, Measure()))
    first = search(20, Measure())
    for _ in range(7):
        first.advance()
    second = search(20, Measure(), seed=9)
    second.load_state_dict(first.state_dict())
    assert list(finish(second).history.items()) == list(straight.history.items())
