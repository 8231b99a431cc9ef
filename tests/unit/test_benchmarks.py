"""What the benchmarks compute from what they measure: ratios, lines, tables in a page."""

from __future__ import annotations

import pytest

from benchmarks.code_size import library_blocks, lines, scope, sizes
from benchmarks.memory import saved_bytes
from benchmarks.page import filled
from benchmarks.sharing import table
from benchmarks.step import SHARINGS, BilevelStep
from benchmarks.timing import summary


def test_blank_lines_and_comments_do_not_count() -> None:
    assert lines("# a comment\n\nspace x  # with a remark\n    # indented\n    y = x\n") == 2


def test_only_the_library_blocks_that_a_space_uses_count() -> None:
    used = {block.name for block in library_blocks(scope("toy_cell"))}
    assert used == {"relu_conv_bn", "sep_conv", "dil_conv", "separable"}  # the last through those before it


def test_a_space_without_a_library_stands_alone() -> None:
    own, library = sizes("conv_macro")
    assert own > 0 and library == 0


def test_a_ratio_is_the_median_of_the_ratios_of_rounds() -> None:
    """The second round was slow for both, as when another process had the machine."""
    comparison = summary([(1.0, 2.0), (6.0, 10.0), (0.7, 1.0)])
    assert comparison.seconds == (1.0, 2.0)
    assert comparison.ratio == 0.6
    assert comparison.quartiles == pytest.approx((0.55, 0.65))


def test_entanglement_has_fewer_weights_and_saves_less_for_backward() -> None:
    entangled, separate = (BilevelStep("toy_cell", sharing, batch=2) for sharing in SHARINGS)
    assert entangled.parameters < separate.parameters
    assert saved_bytes(entangled) < saved_bytes(separate)


def test_tables_are_filled_in_between_their_marks() -> None:
    page = "before\n<!-- a -->\nold\n<!-- end of a -->\nafter\n"
    assert filled(page, "a", r"\1") == "before\n<!-- a -->\n\n\\1\n\n<!-- end of a -->\nafter\n"
    assert filled(filled(page, "a", "x"), "a", r"\1") == filled(page, "a", r"\1")
    with pytest.raises(ValueError, match="0 places for `b`"):
        filled(page, "b", "x")


def test_the_table_of_ratios() -> None:
    ratios = {"parameters": 0.5, "saved_bytes": 0.6, "peak_bytes": 0.7, "step_seconds": 0.8}
    space = {"input": [2, 3, 8, 8], "ratios": ratios, "step_seconds_quartiles": [0.75, 0.85]}
    ours, theirs = table({"spaces": {"x": space, "nb201": space}}).splitlines()[-2:]
    assert ours == "| `x` | 2 × 3 × 8 × 8 | 0.50 | 0.60 | 0.70 |  | 0.80 | 0.75 to 0.85 |"
    assert theirs == "| `nb201` | 2 × 3 × 8 × 8 | 0.50 | 0.60 | 0.70 | 0.75 | 0.80 | 0.75 to 0.85 |"
