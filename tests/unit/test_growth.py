"""Work grows with what a space says, not with the number of its architectures: counted in calls, never in seconds."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from functools import reduce
from itertools import product
from types import FrameType
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.compile import synthetic
from tanglec.api import Compiled, compile_source
from tanglec.ir import extents as ex
from tanglec.source import Source
from tanglert import Dim, both, either


def calls(work: Callable[[], Any]) -> int:
    """How many Python functions are called on the way."""
    count = 0

    def called(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def compiled(dimensions: int) -> Compiled:
    return compile_source(Source("synthetic.tsp", synthetic(dimensions)))


def forget() -> None:
    """What was computed for a space before must not help the next one."""
    for function in vars(ex).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()


def test_compiling_grows_with_the_number_of_operations() -> None:
    """Twice the dimensions and layers, twice the work: the second doubling adds twice what the first one did."""
    calls(lambda: compiled(9).files)  # what is done once in a process
    found = []
    for size in (11, 21, 41):
        forget()
        found.append(calls(lambda size=size: compiled(size).files))  # type: ignore[misc]
    first, second = found[1] - found[0], found[2] - found[1]
    assert second < 2.3 * first


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
