"""Work grows with what a space says, not with the number of its architectures."""

from __future__ import annotations

import pickle
import sys
import tracemalloc
from collections.abc import Callable
from functools import reduce
from itertools import product
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.compile import synthetic
from tanglec.cli.analysis import analysed_source
from tanglec.codegen.emit import emit
from tanglec.ir import extents as ex
from tanglec.ir.nodes import Space, walk
from tanglec.passes.cost import costs, multiply_add_terms, parameter_terms
from tanglec.passes.count import count
from tanglec.passes.extremes import cost_range
from tanglec.source import Source
from tanglert import Dim, both, either


def space(text: str) -> Space:
    return analysed_source(Source("grown.tsp", text), lambda _: None).space


def calls(work: Callable[[Space], object], on: Space) -> int:
    """How many Python functions are called."""
    found = 0

    def seen(frame: FrameType, event: str, argument: object) -> None:
        nonlocal found
        found += event == "call"

    sys.setprofile(seen)
    try:
        work(on)
    finally:
        sys.setprofile(None)
    return found


STAGES: dict[str, Callable[[Space], object]] = {
    "analysis": lambda found: space(synthetic(len(found.dimensions))),
    "count": count,
    "costs": lambda found: cost_range(found, parameter_terms(found.network)),
    "emission": emit,
}


@pytest.mark.parametrize("stage", STAGES)
def test_work_is_linear_in_the_operations(stage: str) -> None:
    """Seven times the blocks, dimensions and layers, some of elastic depth: no more calls for each operation."""
    small, large = space(synthetic(13)), space(synthetic(91))
    STAGES[stage](small)  # what is imported or read once
    each = [calls(STAGES[stage], s) / len([*walk(s.network.body)]) for s in (small, large)]
    assert each[1] < 1.2 * each[0]


def chain(layers: int) -> Space:
    """A space of 10 to the power of `layers` architectures."""
    return space(
        f"""space chain
input features: vector(16)
dim width per layer: 1..10
block layer(x):
    return linear(gelu(linear(x, width)), 16)
network:
    x = features
    repeat {layers}:
        x = layer(x)
    return x
"""
    )


MEASURES: dict[str, Callable[[Space], object]] = {
    "count": count,
    "range of costs": lambda found: cost_range(found, multiply_add_terms(found.network)),
    "costs": lambda found: costs(found, {p: p.choices[0] for p in found.positions}),
}


def peak(work: Callable[[Space], object], found: Space) -> int:
    """The most bytes that are held at one time."""
    tracemalloc.start()
    try:
        work(found)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("layers", [3, 30, 300])
@pytest.mark.parametrize("measure", MEASURES)
def test_memory_grows_with_the_choices_not_with_the_architectures(measure: str, layers: int) -> None:
    """Of 1e3, 1e30 or 1e300 architectures: so many bytes for each choice, and no more."""
    found = chain(layers)
    assert count(found).number == 10**layers
    assert peak(MEASURES[measure], found) < 8 * 1024 * layers


@given(st.lists(st.sampled_from(["and", "or", "==", "+", "where"]), min_size=1, max_size=6), st.randoms())
def test_a_table_holds_the_value_of_every_joint_choice(kinds: list[str], rng: Any) -> None:
    leaves = [ex.choice(ex.Position(name, choices=(1, 2, 3)[: 2 + i % 2])) for i, name in enumerate("abc")]
    expression = leaves[0]
    for kind in kinds:
        other = rng.choice(leaves)
        operands = (other, expression, leaves[1]) if kind == "where" else (expression, other)
        expression = ex.apply(kind, *operands) if kind != "+" else ex.apply("+", other, ex.const(1))
    assert list(ex.table(expression)) == [expression.at(a) for a in ex.assignments(expression.positions)]


def test_a_condition_on_many_choices_needs_no_table() -> None:
    """Any of thirty operations may be the one that needs a kernel: its table would have 3^30 entries."""
    op = Dim("op", ["a", "b", "c"], per="layer", positions=30)
    needed = reduce(either, (op[i].eq("c") for i in range(30)))
    at = dict.fromkeys(op.positions, 0)
    assert not needed.at(at)
    assert needed.at({**at, op.positions[17]: 2})
    assert needed.reads == op.positions


def test_a_large_condition_is_the_same_as_a_table() -> None:
    """Of the eight positions that it looks at, it depends on seven."""
    op = Dim("op", ["a", "b", "c"], per="layer", positions=8)
    sevens = reduce(both, (either(op[i].eq("a"), op[i].eq("b")) for i in range(7)))
    late = either(sevens, both(sevens, op[7].eq("c")))
    assert late == sevens and late.positions == op.positions[:7]
    assert pickle.loads(pickle.dumps(late)) == sevens
    for choices in product(range(3), repeat=8):
        at = dict(zip(op.positions, choices))
        assert late.at(at) == sevens.at(at)
