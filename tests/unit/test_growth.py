"""Work grows with what a space says, not with the number of its architectures."""

from __future__ import annotations

import pickle
from functools import reduce
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tanglec.ir import extents as ex
from tanglert import Dim, both, either


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
