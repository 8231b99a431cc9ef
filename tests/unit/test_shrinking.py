"""Progressive shrinking: what is open when, and that the largest always teaches."""

from __future__ import annotations

import pytest

from tanglert import RequireError
from tanglert.sample.shrinking import ShrinkingSampler
from tests import tiny
from tests.unit.test_samplers import Mixed, Never, Small

LARGEST = tiny.Arch(16, 3, (4, 4, 4))


def seen(sampler: ShrinkingSampler[tiny.Arch], progress: float) -> dict[str, set[int | None]]:
    """What is drawn at that point of the training, the teacher left out."""
    sampler.anneal(progress)
    archs = [arch for _ in range(100) for arch in sampler.paths()[1:]]
    return {
        "width": {arch.width for arch in archs},
        "depth": {arch.depth for arch in archs},
        "hidden": {h for arch in archs for h in arch.hidden},
    }


def test_the_largest_comes_first_and_alone() -> None:
    sampler = ShrinkingSampler(tiny.Arch)
    assert (
        sampler.distils and sampler.stages == 6
    )  # the largest, two widths more, two depths, one hidden size
    sampler.anneal(0.16)
    assert sampler.paths() == [LARGEST]
    sampler.anneal(0.17)
    assert sampler.paths()[0] == LARGEST and len(sampler.paths()) == 3


def test_dimensions_open_one_choice_at_a_time_in_the_order_given() -> None:
    sampler = ShrinkingSampler(tiny.Arch, order=["hidden", "depth"])
    assert sampler.order == ["hidden", "depth", "width"]
    stages = [seen(sampler, (stage + 0.5) / 6) for stage in range(1, 6)]
    assert stages == [
        {"width": {16}, "depth": {3}, "hidden": {2, 4}},
        {"width": {16}, "depth": {3, 2}, "hidden": {2, 4, None}},
        {"width": {16}, "depth": {3, 2, 1}, "hidden": {2, 4, None}},
        {"width": {16, 8}, "depth": {3, 2, 1}, "hidden": {2, 4, None}},
        {"width": {16, 8, 4}, "depth": {3, 2, 1}, "hidden": {2, 4, None}},
    ]
    assert seen(sampler, 1.0) == stages[-1]


def test_labels_are_open_from_the_start() -> None:
    sampler = ShrinkingSampler(Mixed, random=30)
    assert sampler.order == ["width"] and sampler.stages == 5
    sampler.anneal(0.3)
    drawn = sampler.paths()
    assert {arch.op for arch in drawn} == {"a", "b", "c"} and {arch.norm for arch in drawn} == {True, False}
    assert {width for arch in drawn for width in arch.width} == {16, 12}
    assert drawn[0].width == (16, 16)


def test_conditions_hold_from_the_first_step() -> None:
    sampler = ShrinkingSampler(Small, seed=0)
    for progress in (0.0, 0.2, 0.4, 0.6, 1.0):
        sampler.anneal(progress)
        assert all(arch.allowed() for arch in sampler.paths())
    with pytest.raises(RequireError, match="its conditions"):
        ShrinkingSampler(Never).paths()


def test_an_order_that_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="`widht` is no dimension of space tiny; .* width, depth, hidden"):
        ShrinkingSampler(tiny.Arch, order=["widht"])
    with pytest.raises(ValueError, match="`op` has no numbers"):
        ShrinkingSampler(Mixed, order=["op"])
    with pytest.raises(ValueError, match="twice: width, width"):
        ShrinkingSampler(tiny.Arch, order=["width", "width"])


def test_a_state_goes_on_bit_for_bit() -> None:
    first, second = ShrinkingSampler(tiny.Arch, 1), ShrinkingSampler(tiny.Arch, 2)
    first.anneal(0.6)
    first.paths()
    second.load_state_dict(first.state_dict())
    assert [second.paths() for _ in range(3)] == [first.paths() for _ in range(3)]
