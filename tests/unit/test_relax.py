"""Architecture parameters, DrNAS, and the most probable architecture."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tanglert import ArchBase, Dim, Input, RequireError, Space
from tanglert.relax import ArchParameters, DrNAS, SampledOnlyError, most_probable
from tanglert.relax.derive import in_decreasing_probability
from tests import tiny

RAGGED = Space(
    "ragged",
    dims=[Dim("op", ["a", "b"]), Dim("width", lists=[[1, 2, 3], [5]], per="stage")],
    inputs=[Input("x", "vector", (2,))],
    output=("vector", (2,)),
)


def test_one_parameter_with_views_in_the_shape_of_every_dimension_s_probabilities() -> None:
    alphas = ArchParameters(tiny.SPACE, seed=1)
    assert {k: tuple(p.shape) for k, p in alphas.values.items()} == {
        "width": (3,),
        "depth": (3,),
        "hidden": (3, 2),
    }
    assert all(0 < p.abs().max() < 0.01 for p in alphas.values.values())
    assert torch.equal(alphas.stacked(), ArchParameters(tiny.SPACE, seed=1).stacked())
    assert [tuple(p.shape) for p in alphas.parameters()] == [(5, 3)]
    with torch.no_grad():
        alphas.values["hidden"][2, 1] = 7.0
    assert alphas.rows[4].tolist() == [*alphas.values["hidden"][2].tolist(), 0.0] and alphas.rows[4, 1] == 7


def test_alphas_of_an_earlier_version_are_refused() -> None:
    alphas = ArchParameters(tiny.SPACE)
    older = {**{f"values.{name}": value for name, value in alphas.values.items()}, "mask": alphas.mask}
    with pytest.raises(ValueError, match="of an earlier version; start the search anew"):
        alphas.load_state_dict(older)


def test_lists_of_unequal_length_are_masked() -> None:
    probabilities = DrNAS(ArchParameters(RAGGED)).sample()
    assert probabilities["width"].shape == (2, 3)
    assert probabilities["width"][1].tolist() == [1, 0, 0]


def test_a_dimension_that_can_only_be_sampled_is_named() -> None:
    dims = [Dim("width", [4, 8]), Dim("resolution", [24, 28], sampled=True)]
    space = Space("s", dims=dims, inputs=[], output=("vector", (2,)))
    with pytest.raises(SampledOnlyError, match="`resolution` of `s` can only be sampled"):
        ArchParameters(space)


@pytest.mark.parametrize("space", [tiny.SPACE, RAGGED])
def test_samples_are_probabilities_of_the_parameters_own_type(space: Space) -> None:
    relaxation = DrNAS(ArchParameters(space), seed=3)
    for probabilities in (relaxation.sample(), relaxation.mean()):
        for name, alpha in relaxation.alphas.values.items():
            assert probabilities[name].shape == alpha.shape
            assert probabilities[name].dtype == alpha.dtype
            torch.testing.assert_close(probabilities[name].sum(-1), torch.ones(alpha.shape[:-1]))


def test_samples_average_to_the_mean() -> None:
    relaxation = DrNAS(ArchParameters(tiny.SPACE, scale=1.0), seed=0)
    with torch.no_grad():
        draws = torch.stack([relaxation.sample()["width"] for _ in range(4000)])
    torch.testing.assert_close(draws.mean(0), relaxation.mean()["width"], atol=0.02, rtol=0)


@pytest.mark.parametrize("alpha", [-30.0, -2.0, 0.0, 3.0])
def test_pathwise_gradients_are_those_of_the_mean(alpha: float) -> None:
    """The expectation of sum v_i p_i has gradient dE/da: what the samples' gradients average to."""
    alphas = ArchParameters(
        Space("s", dims=[Dim("d", [1, 2, 3, 4])], inputs=[], output=("vector", (2,)))
    ).double()
    relaxation = DrNAS(alphas, seed=0)
    parameter, values = alphas.values["d"], torch.arange(1.0, 5.0, dtype=torch.float64)
    with torch.no_grad():
        parameter.fill_(alpha)
    (wanted,) = torch.autograd.grad(values @ relaxation.mean()["d"], alphas.rows)
    total = torch.stack([values @ relaxation.sample()["d"] for _ in range(3000)]).mean()
    (given,) = torch.autograd.grad(total, alphas.rows)
    scale = wanted.abs().max()
    assert torch.isfinite(given).all()
    torch.testing.assert_close(given / scale, wanted / scale, atol=0.35, rtol=0)


def test_sampling_does_not_touch_the_global_generator() -> None:
    before = torch.get_rng_state()
    DrNAS(ArchParameters(tiny.SPACE)).sample()
    assert torch.equal(torch.get_rng_state(), before)


def test_state_brings_back_the_same_samples() -> None:
    first, second = DrNAS(ArchParameters(tiny.SPACE, 1), 1), DrNAS(ArchParameters(tiny.SPACE, 2), 2)
    first.sample()
    second.load_state_dict(first.state_dict())
    assert tiny.same(first.sample(), second.sample())


def test_the_kl_regulariser_is_zero_only_at_the_flat_distribution() -> None:
    flat = DrNAS(ArchParameters(tiny.SPACE, scale=0.0), regulariser="kl", strength=1.0)
    assert flat.penalty().item() == pytest.approx(0)
    assert flat.weight_decay == 0
    assert DrNAS(ArchParameters(tiny.SPACE, scale=1.0), regulariser="kl").penalty().item() > 0
    assert DrNAS(ArchParameters(tiny.SPACE)).weight_decay == 1e-3


rows = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=3), min_size=1, max_size=4)


@given(rows)
@settings(deadline=None, max_examples=60)
def test_joint_choices_come_in_decreasing_probability_and_none_twice(counts: list[list[int]]) -> None:
    width = max(map(len, counts))
    weights = torch.tensor([row + [0] * (width - len(row)) for row in counts], dtype=torch.float64)
    logs = (weights / weights.sum(1, keepdim=True)).log()
    listed = [tuple(c) for c in in_decreasing_probability(logs)]
    everything = set(itertools.product(*(range(len(row)) for row in counts)))
    assert len(listed) == len(set(listed)) and set(listed) == everything
    sums = [sum(logs[i, c].item() for i, c in enumerate(choice)) for choice in listed]
    assert all(b <= a + 1e-9 for a, b in itertools.pairwise(sums))


def test_without_conditions_the_best_choice_of_every_position_wins() -> None:
    alphas = ArchParameters(tiny.SPACE)
    with torch.no_grad():
        alphas.values["width"].copy_(torch.tensor([0.0, 2, 1]))
        alphas.values["depth"].copy_(torch.tensor([0.0, 1, 0]))
        alphas.values["hidden"].copy_(torch.tensor([[1.0, 0], [0, 1], [1, 0]]))
    assert most_probable(alphas, tiny.Arch) == tiny.Arch(8, 2, (2, 4))


@dataclass(frozen=True)
class Small(ArchBase, space=tiny.SPACE):
    """The tiny space with a condition."""

    width: int
    depth: int
    hidden: tuple[int | None, ...]

    def allowed(self) -> bool:
        return self.width * self.depth <= 8


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=20)
def test_under_a_condition_the_most_probable_allowed_one_wins(seed: int) -> None:
    """By the softmax of the alphas, or by the probabilities that a relaxation has: here the mean of its Dirichlets."""
    alphas = ArchParameters(tiny.SPACE, seed, scale=1.0)
    mean = DrNAS(alphas).mean() if seed % 2 else None
    logs = alphas.log_probabilities(mean)
    best = -math.inf
    for choice in itertools.product(range(3), range(3), range(2), range(2), range(2)):
        try:
            Small.from_indices(dict(zip(tiny.SPACE.positions, choice, strict=True)))
        except RequireError:
            continue
        best = max(best, sum(logs[i, c].item() for i, c in enumerate(choice)))
    found = most_probable(alphas, Small, probabilities=mean)
    present = [i for i, p in enumerate(tiny.SPACE.positions) if p.dim != "hidden" or p.index < found.depth]
    score = sum(logs[i, found.indices()[tiny.SPACE.positions[i]]].item() for i in present)
    score += sum(logs[i].max().item() for i in range(5) if i not in present)
    assert score == pytest.approx(best)


@dataclass(frozen=True)
class Never(ArchBase, space=tiny.SPACE):
    """A condition that nothing meets."""

    width: int
    depth: int
    hidden: tuple[int | None, ...]

    def allowed(self) -> bool:
        return False


def test_where_nothing_is_allowed_that_is_said() -> None:
    with pytest.raises(RequireError):
        most_probable(ArchParameters(tiny.SPACE), Never, tries=50)


def test_a_short_search_falls_back_to_random_architectures() -> None:
    alphas = ArchParameters(tiny.SPACE)
    with torch.no_grad():
        alphas.values["width"].copy_(torch.tensor([-50.0, 0, 50]))
    assert most_probable(alphas, Small, tries=3).allowed()
