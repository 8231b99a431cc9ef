"""Architectures, their JSON, their vertices, the sampler, and the errors that they answer with."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, dataclass, replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tanglert import (
    ArchBase,
    ArchError,
    ChoiceError,
    Dim,
    Mixed,
    RequireError,
    Sliced,
    Space,
    UniformSampler,
)
from tests.handwritten import DEPTH, EMBED, HEADS, RATIO, SPACE, Arch, Sampler, one_hot

archs = st.builds(
    Arch.from_indices, st.fixed_dictionaries({p: st.integers(0, len(p.choices) - 1) for p in SPACE.positions})
)


def test_the_canonical_form_has_none_where_a_layer_is_absent() -> None:
    arch = Arch(embed=48, depth=2, heads=[2, 4, 3, 3], ratio=(3.5, 4.0))  # type: ignore[arg-type]
    assert arch.heads == (2, 4, None, None)
    assert arch.ratio == (3.5, 4, None, None)
    assert isinstance(arch.ratio[1], int)
    assert str(arch) == "embed=48, depth=2, heads=[2 4 - -], ratio=[3.5 4 - -]"


def test_equal_by_content_hashable_and_frozen() -> None:
    arch = Arch(48, 2, (2, 4), (2, 2))
    assert {arch: 1}[Arch(48, 2, (2, 4, None, None), (2, 2.0, 4, 4))] == 1
    assert replace(arch, embed=64) == Arch(64, 2, (2, 4), (2, 2))
    assert pickle.loads(pickle.dumps(arch)) == arch
    with pytest.raises(FrozenInstanceError):
        arch.embed = 64  # type: ignore[misc]


@given(archs)
def test_json_round_trip(arch: Arch) -> None:
    assert Arch.from_json(arch.to_json()) == arch
    assert Arch.from_indices(arch.indices()) == arch
    assert list(arch.to_dict()) == ["embed", "depth", "heads", "ratio"]


def test_json_is_one_object_in_order_of_declaration() -> None:
    text = '{"embed": 48, "depth": 2, "heads": [2, 4, null, null], "ratio": [3.5, 4, null, null]}'
    assert Arch(48, 2, (2, 4), (3.5, 4)).to_json() == text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"embed": 50}, r"`embed`, position 0: 50 is not a choice \(choices: 32, 48, 64\)"),
        ({"embed": None}, r"`embed` is present, but has no choice \(choices: 32, 48, 64\)"),
        ({"embed": True}, "`embed`, position 0: True is not a choice"),
        ({"embed": float("nan")}, "`embed`, position 0: nan is not a choice"),
        ({"embed": [48]}, r"`embed`, position 0: \[48\] is not a choice"),
        ({"heads": [2, 5]}, r"`heads`, position 1: 5 is not a choice \(choices: 2, 3, 4\)"),
        ({"heads": [2]}, r"`heads`, position 1, is present, but has no choice \(choices: 2, 3, 4\)"),
        ({"heads": 2}, "`heads` has a choice per layer: give a list of 4, not 2"),
        ({"heads": [2] * 5}, "`heads`: 5 choices for 4 positions"),
        ({"ratio": ["2", 2]}, "`ratio`, position 0: '2' is not a choice"),
        ({"head": 2}, "`head` is no dimension of space vit_mini; it has embed, depth, heads, ratio"),
    ],
)
def test_what_is_no_architecture_is_refused(fields: dict[str, object], message: str) -> None:
    good = {"embed": 48, "depth": 2, "heads": [2, 4], "ratio": [2, 2]}
    with pytest.raises(ArchError, match=message):
        Arch.from_dict({**good, **fields})


def test_a_missing_dimension_and_broken_json_are_refused() -> None:
    with pytest.raises(ArchError, match="no choice for dimension `depth` of space vit_mini"):
        Arch.from_dict({"embed": 48})
    with pytest.raises(ArchError, match="not JSON"):
        Arch.from_json("{")
    with pytest.raises(ArchError, match="an architecture is a JSON object with the keys embed, depth"):
        Arch.from_json("[1]")


def test_a_vertex_has_the_first_choice_where_absent() -> None:
    hot = one_hot(Arch(64, 2, (4, 3), (2, 2)))
    assert hot["embed"].tolist() == [0, 0, 1]
    assert hot["heads"].tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 0, 0]]
    assert Arch(64, 2, (4, 3), (2, 2)).one_hot(dtype=torch.float64)["depth"].dtype == torch.float64


PAIR = Space("pair", dims=[Dim("a", [1, 2, 3]), Dim("b", [1, 2, 3])], inputs=[], output=("vector", (1,)))


@dataclass(frozen=True)
class Small(ArchBase, space=PAIR):
    a: int
    b: int

    def allowed(self) -> bool:
        return self.a + self.b <= 3


class SmallSampler(UniformSampler[Small]):
    arch = Small


def test_require_excludes_architectures_and_the_sampler_obeys() -> None:
    with pytest.raises(RequireError, match="a=3, b=1 does not meet the conditions"):
        Small(3, 1)
    sampler = SmallSampler(0)
    drawn = [sampler() for _ in range(300)]
    counts = [drawn.count(arch) for arch in (Small(1, 1), Small(1, 2), Small(2, 1))]
    assert sum(counts) == 300
    assert min(counts) > 70  # uniform over what is allowed


def test_a_condition_that_nothing_meets_is_an_error_of_the_sampler() -> None:
    @dataclass(frozen=True)
    class Nothing(Small):
        def allowed(self) -> bool:
            return False

    class NothingSampler(UniformSampler[Nothing]):
        arch = Nothing

    with pytest.raises(RequireError, match="none of 10000 random architectures of pair"):
        NothingSampler()()


def test_the_sampler_is_a_function_of_its_seed_and_resumes() -> None:
    torch.manual_seed(1)
    sampler = Sampler(7)
    first = [sampler() for _ in range(5)]
    state = sampler.state_dict()
    later = [sampler() for _ in range(5)]
    torch.manual_seed(2)  # the global generator has no part in it
    assert [s() for s in [Sampler(7)] for _ in range(5)] == first
    resumed = Sampler(0)
    resumed.load_state_dict(state)
    assert [resumed() for _ in range(5)] == later


def test_sizes_at_an_architecture() -> None:
    at = Sliced(Arch(48, 3, (2, 4, 3), (3.5, 4, 2)).indices())
    assert at.size(EMBED * RATIO[0]) == 168
    assert at.size(7) == 7
    assert at.holds(DEPTH > 2)
    with pytest.raises(ChoiceError, match="is 24/5 for this architecture, which is not a whole number"):
        at.size(EMBED / 10)


def test_a_mixture_has_sizes_of_constants_only() -> None:
    at = Mixed(SPACE, one_hot(Arch(48, 2, (2, 4), (2, 2))))
    assert at.size(EMBED - EMBED + 3) == 3
    with pytest.raises(ChoiceError, match=r"`heads` \(position 2\) is superposed here"):
        at.size(HEADS[2] * 16)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embed": torch.ones(2)}, r"probabilities of `embed`: wanted shape \(3,\), given \(2,\)"),
        ({"heads": torch.ones(3)}, r"probabilities of `heads`: wanted shape \(4, 3\), given \(3,\)"),
        (
            {"widht": torch.ones(3)},
            "probabilities for `widht`, but space vit_mini has embed, depth, heads, ratio",
        ),
    ],
)
def test_probabilities_that_do_not_fit_are_refused(change: dict[str, torch.Tensor], message: str) -> None:
    good = one_hot(Arch(48, 2, (2, 4), (2, 2)))
    with pytest.raises(ChoiceError, match=message):
        Mixed(SPACE, {**good, **change})


def test_missing_probabilities_are_refused() -> None:
    with pytest.raises(ChoiceError, match=r"no probabilities for dimension `embed`; wanted shape \(3,\)"):
        Mixed(SPACE, {})


def test_a_sampled_dimension_is_read_once_and_must_be_one_hot() -> None:
    stride = Dim("stride", [2, 1], sampled=True)
    space = Space("sampled", dims=[stride], inputs=[], output=("vector", (1,)))
    assert space.sampled_only == {"stride"}
    assert Mixed(space, {"stride": torch.tensor([0.0, 1.0])}).size(stride) == 1
    with pytest.raises(ChoiceError, match=r"`stride` \(position 0\) can only be sampled"):
        Mixed(space, {"stride": torch.tensor([0.5, 0.5])})


def test_lists_of_unequal_length_are_padded_on_the_right() -> None:
    width = Dim("width", lists=[[16, 24], [1, 2, 3]], per="stage")
    space = Space("ragged", dims=[width], inputs=[], output=("vector", (1,)))
    at = Mixed(space, {"width": torch.tensor([[0.3, 0.7, 0.0], [0.2, 0.3, 0.5]])})
    assert at.probability(width.positions[0]).tolist() == pytest.approx([0.3, 0.7])
    assert at.joint(width.positions).sum().item() == pytest.approx(1)


def test_the_compiler_knows_which_names_every_architecture_has() -> None:
    """Dimensions of such names get another field, on both sides the same."""
    from tanglec.codegen.naming import ARCH_MEMBERS
    from tanglert import ArchBase, dim

    members = {name for name in vars(ArchBase) if not name.startswith("_")} | {"space"}
    assert members == ARCH_MEMBERS == dim.ARCH_MEMBERS
