"""Counting without enumerating: equal to enumeration on spaces small enough for both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tanglec.ir.nodes import Space
from tanglec.passes import count as counting
from tanglec.passes.cost import multiply_add_terms, parameter_terms
from tanglec.passes.count import count, exact_count
from tanglec.passes.extremes import cost_range
from tests.spacetext import compiled, refused


@dataclass(frozen=True)
class Arch:
    """An architecture of the space below: `cells` are the widths of the cells that it has."""

    a: int
    n: int
    f: bool
    cells: tuple[int, ...]

    @property
    def params(self) -> int:
        """Two layers for `a`, two for every cell, and the last one."""
        return (9 * self.a + 4) + sum(9 * c + 4 for c in self.cells) + 15


@dataclass(frozen=True)
class Small:
    """A space with presence: cells in an elastic repeat, and one under a condition."""

    a: list[int]
    n: list[int]
    c: list[int]
    requires: list[str]

    @property
    def text(self) -> str:
        def choices(values: list[int]) -> str:
            return " | ".join(map(str, values))

        requires = "".join(f"require {r}\n" for r in self.requires)
        return f"""space small
input image: vector(4)
dim a: {choices(self.a)}
dim n: {choices(self.n)}
dim c per cell: {choices(self.c)}
dim f: true | false
{requires}
block cell(x):
    return linear(linear(x, c), 4)

network:
    x = linear(linear(image, a), 4)
    repeat n:
        x = cell(x)
    if f:
        x = cell(x)
    return linear(x, 3)
"""

    def architectures(self) -> Iterator[Arch]:
        """Every architecture, what is absent not counted."""
        for a, n, f in product(self.a, self.n, (True, False)):
            for cells in product(self.c, repeat=n + f):
                arch = Arch(a, n, f, cells)
                if all(CONDITIONS[r](arch) for r in self.requires):
                    yield arch


# What may be required, and the same in Python.
CONDITIONS: dict[str, Callable[[Arch], bool]] = {
    "a > 2": lambda s: s.a > 2,
    "a + n <= 4 or f": lambda s: s.a + s.n <= 4 or s.f,
    "c % a == 0": lambda s: all(c % s.a == 0 for c in s.cells),
    "c >= n": lambda s: all(c >= s.n for c in s.cells),
    "c != 2 if f else c < 5": lambda s: all(c != 2 if s.f else c < 5 for c in s.cells),
    "sum(c) <= 7": lambda s: sum(s.cells) <= 7,
    "sum(c / 2) > 1.5": lambda s: sum(s.cells) > 3,
    "product(c) <= 12": lambda s: prod(s.cells) <= 12,
    "max(c) <= 4": lambda s: all(c <= 4 for c in s.cells),
    "min(c) >= a": lambda s: all(c >= s.a for c in s.cells),
    "count(c) == 2": lambda s: len(s.cells) == 2,
    "count(c > 2) <= 1": lambda s: sum(c > 2 for c in s.cells) <= 1,
    "params() <= 130": lambda s: s.params <= 130,
    "params() < 60 * a": lambda s: s.params < 60 * s.a,
    "params() > 90 and sum(c) < 6": lambda s: s.params > 90 and sum(s.cells) < 6,
}
PLAIN = {r for r in CONDITIONS if "(" not in r}


def numbers(least: int, most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(least, most), min_size=2, max_size=3, unique=True)


smalls = st.builds(
    Small,
    a=numbers(1, 5),
    n=numbers(0, 3),
    c=numbers(1, 6),
    requires=st.lists(st.sampled_from(sorted(CONDITIONS)), max_size=2, unique=True),
)


@given(smalls)
@settings(max_examples=150, deadline=None)
def test_the_count_is_that_of_enumeration(small: Small) -> None:
    expected = sum(1 for _ in small.architectures())
    if expected == 0:
        assert refused(small.text) == ["TSP0403"]
        return
    found = count(compiled(small.text))
    assert (found.number, found.exact) == (expected, True)


@given(smalls)
@settings(max_examples=100, deadline=None)
def test_the_range_of_a_cost_is_that_of_enumeration(small: Small) -> None:
    """Conditions on aggregates are left aside."""
    small = Small(small.a, small.n, small.c, [r for r in small.requires if r in PLAIN])
    params = [arch.params for arch in small.architectures()]
    if params:
        space = compiled(small.text)
        assert cost_range(space, parameter_terms(space.network)) == (min(params), max(params))


@given(smalls)
@settings(max_examples=20, deadline=None)
def test_the_costs_of_a_space_are_those_of_its_network_after_all_passes(small: Small) -> None:
    if any(True for _ in small.architectures()):
        space = compiled(small.text)
        assert space.parameters == parameter_terms(space.network)
        assert space.multiply_adds == multiply_add_terms(space.network)


@given(smalls)
@settings(max_examples=20, deadline=None)
def test_a_number_that_a_pass_knows_is_that_which_is_counted(small: Small) -> None:
    if small.requires and any(True for _ in small.architectures()):
        space = compiled(small.text)
        assert space.architectures in (None, exact_count(space, space.requirements))


def wide(requirement: str = "") -> Space:
    """Too many choices meet in one weight for any exact method."""
    return compiled(f"""space wide
input image: vector(8)
dim c per cell: 4 | 8 | 16
{requirement}
block cell(x):
    return linear(x, c)

network:
    x = concat(cell(image), cell(image))
    repeat 20:
        x = concat(x, cell(image))
    return linear(linear(x, width(x)), 3)
""")


def test_where_too_many_choices_meet_a_range_is_bounded() -> None:
    space = wide()
    low, high = (22 * 9 * c + 22 * c * (22 * c + 1) + 3 * 22 * c + 3 for c in (4, 16))
    assert cost_range(space, parameter_terms(space.network)) == (low, high)
    assert count(space).number == 3**22


def test_where_there_are_too_many_sums_the_count_is_an_estimate_with_its_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(counting, "SAMPLES", 500)
    found = count(wide("require params() <= 50_000"))
    assert not found.exact
    assert 0 < found.low <= found.number <= found.high < 3**22
    assert str(found).startswith("~")


def test_an_estimate_of_none_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One architecture in 3^22 meets this: sampling does not find it, and it is not refused."""
    monkeypatch.setattr(counting, "SAMPLES", 100)
    found = count(wide("require params() <= 9_000"))
    assert (found.number, found.low, found.exact) == (0, 0, False)
    assert found.high > 0


@pytest.mark.parametrize(
    "requirement",
    [
        "a > 5",
        "a > 2 and a < 2",
        "3 > 4",
        "params() < 20",
        "params() > 10_000",
        "product(c) == 7",
        "min(c) > 9",
    ],
)
def test_a_require_that_nothing_meets_is_refused(requirement: str) -> None:
    text = Small([2, 4], [1, 2], [2, 4], []).text.replace("\n\nblock", f"\nrequire {requirement}\n\nblock")
    assert refused(text) == ["TSP0403"]


def test_requires_that_exclude_one_another_are_refused() -> None:
    assert refused(Small([2, 4], [1, 2], [2, 4], ["a > 2", "min(c) >= a", "sum(c) <= 7"]).text) == []
    text = Small([2, 5], [1, 2], [2, 4], ["a > 2", "min(c) >= a", "count(c) == 2"]).text
    assert refused(text) == ["TSP0403"]


def test_the_range_of_a_cost_looks_at_edges_that_are_kept() -> None:
    """At least one of two edges is kept, and of the arms one is taken: the cheapest and the dearest by hand."""
    space = compiled("""space kept
input image: pixels(4, 4, 4)
dim op per edge: skip | one | three

block edge(x):
    return choose op:
        skip: x
        one: conv(x, 4, kernel=1, bias=false)
        three: conv(x, 4, kernel=3, bias=false)

network:
    nodes = dag([image, image], nodes=2, edge=edge, keep=2)
    return linear(mean(nodes[3]), 2)
""")
    low, high = cost_range(space, parameter_terms(space.network))
    assert (low, high) == (10, 10 + 4 * 9 * 16)  # five edges, of which two into each node are kept
    assert count(space).number == 3**2 * 3 * 3**2
