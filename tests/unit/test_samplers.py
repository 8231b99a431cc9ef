"""Which architectures a training step runs: fair rounds, and the sandwich rule."""

from __future__ import annotations

import copy
import warnings
from collections import Counter
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from tanglert import ArchBase, Dim, RequireError, Space
from tanglert.data import Samples
from tanglert.protocols import PathSampler
from tanglert.sample.fairnas import FairSampler
from tanglert.sample.sandwich import SandwichSampler
from tanglert.train import Options
from tanglert.train.oneshot import OneShot, distillation
from tanglert.train.task import Classification
from tests import tiny

MIXED = Space(
    "mixed",
    dims=[
        Dim("op", ["a", "b", "c", "none"], forbidden=["none"]),
        Dim("width", [8, 16, 4, 12, 2], per="layer", positions=2),
        Dim("norm", [True, False]),
    ],
    inputs=[],
    output=("vector", (2,)),
)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@dataclass(frozen=True)
class Mixed(ArchBase, space=MIXED):
    """Numbers, labels, truth values; a label that no architecture takes."""

    op: str
    width: tuple[int, ...]
    norm: bool


@dataclass(frozen=True)
class Small(ArchBase, space=tiny.SPACE):
    """The tiny space with a condition, which the widest and deepest break."""

    width: int
    depth: int
    hidden: tuple[int | None, ...]

    def allowed(self) -> bool:
        return self.width * self.depth <= 16


@dataclass(frozen=True)
class Narrow(Small):
    """A condition that some choices never meet."""

    def allowed(self) -> bool:
        return self.width * self.depth <= 8


@dataclass(frozen=True)
class Never(Small):
    """A condition that nothing meets."""

    def allowed(self) -> bool:
        return False


def test_a_fair_round_uses_every_choice_once() -> None:
    sampler = FairSampler(Mixed, seed=0)
    for _ in range(20):
        paths = sampler.paths()
        assert len(paths) == 5  # as the widest position has choices
        for layer in (0, 1):
            assert Counter(arch.width[layer] for arch in paths) == Counter([8, 16, 4, 12, 2])
        assert sorted(Counter(arch.norm for arch in paths).values()) == [2, 3]
        ops = Counter(arch.op for arch in paths)
        assert set(ops) == {"a", "b", "c"} and sorted(ops.values()) == [1, 2, 2]


def test_fewer_choices_are_equal_in_the_long_run() -> None:
    sampler = FairSampler(Mixed, seed=0)
    uses = Counter(arch.op for _ in range(600) for arch in sampler.paths())
    assert all(abs(count - 1000) < 60 for count in uses.values())


def test_a_fair_round_pairs_choices_at_random() -> None:
    sampler = FairSampler(Mixed, seed=0)
    assert len({arch.width for _ in range(100) for arch in sampler.paths()}) == 25


def test_a_fair_round_meets_the_conditions() -> None:
    sampler = FairSampler(Small, seed=0)
    for _ in range(20):
        paths = sampler.paths()
        assert all(arch.allowed() for arch in paths)
        assert sorted(arch.width for arch in paths) == [4, 8, 16]
        assert sorted(arch.depth for arch in paths) == [1, 2, 3]


def test_what_no_round_can_meet_is_told_once() -> None:
    sampler = FairSampler(Narrow, seed=0)
    with pytest.warns(UserWarning, match="fairness holds only as far as they let it"):
        assert all(arch.allowed() for arch in sampler.paths())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(sampler.paths()) == 3


def test_the_sandwich_is_largest_smallest_and_random() -> None:
    sampler = SandwichSampler(tiny.Arch, seed=0)
    first, second = sampler.paths(), sampler.paths()
    assert first[:2] == second[:2] == [tiny.Arch(16, 3, (4, 4, 4)), tiny.Arch(4, 1, (2,))]
    assert len(first) == 4 and first[2:] != second[2:]


def test_size_goes_by_number_and_labels_are_drawn() -> None:
    sampler = SandwichSampler(Mixed, seed=0)
    ends = [sampler.paths()[:2] for _ in range(30)]
    assert {(large.width, small.width) for large, small in ends} == {((16, 16), (2, 2))}
    assert {large.op for large, _ in ends} == {small.op for _, small in ends} == {"a", "b", "c"}
    assert {large.norm for large, _ in ends} == {True, False}


def test_where_the_largest_is_excluded_it_steps_inwards() -> None:
    found = {
        (large.width, large.depth) for large, *_ in (SandwichSampler(Small, s).paths() for s in range(20))
    }
    assert (16, 3) not in found and found & {(16, 1), (8, 2), (4, 3)}


@pytest.mark.parametrize("kind", [FairSampler, SandwichSampler])
def test_conditions_that_nothing_meets(kind: type[FairSampler[Never]]) -> None:
    with warnings.catch_warnings(), pytest.raises(RequireError, match="its conditions"):
        warnings.simplefilter("ignore")
        kind(Never).paths()


@pytest.mark.parametrize("kind", [FairSampler, SandwichSampler])
def test_a_seed_gives_one_sequence_and_a_state_goes_on_with_it(kind: type[FairSampler[Mixed]]) -> None:
    first, second, third = kind(Mixed, 1), kind(Mixed, 1), kind(Mixed, 2)
    assert [first.paths() for _ in range(3)] == [second.paths() for _ in range(3)]
    third.load_state_dict(first.state_dict())
    assert third.paths() == first.paths()


class Fixed:
    """Always the same architectures."""

    def __init__(self, paths: list[tiny.Arch], distils: bool = False) -> None:
        self._paths, self.distils = paths, distils

    def __call__(self) -> tiny.Arch:
        return self._paths[0]

    def paths(self) -> list[tiny.Arch]:
        return self._paths

    def anneal(self, progress: float) -> None:
        pass

    def state_dict(self) -> dict[str, Tensor]:
        return {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        pass


PATHS = [tiny.Arch(16, 3, (4, 4, 4)), tiny.Arch(4, 1, (2,)), tiny.Arch(8, 2, (4, 2))]


def engine(sampler: PathSampler, monkeypatch: pytest.MonkeyPatch) -> OneShot:
    """One with plain gradient descent of rate 1, without dropout."""
    monkeypatch.setattr("torch.nn.functional.dropout", lambda x, *_: x)
    torch.manual_seed(0)
    chosen = Options(
        optimizer="spos",
        batch_size=40,
        weight_optimizer="sgd",
        lr=1.0,
        momentum=0.0,
        weight_decay=0.0,
        clip=1e9,
        seed=3,
    )
    return OneShot(tiny.Supernet().double(), Classification(), double(), sampler, chosen)


def double() -> Samples:
    part = tiny.blobs().train
    assert isinstance(part, Samples)
    return Samples(part.x.double(), part.y, part.mean.double(), part.std.double(), part.shape)


@pytest.mark.parametrize("distils", [False, True])
def test_a_step_is_the_mean_of_the_gradients_of_its_architectures(
    distils: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = engine(Fixed(PATHS, distils), monkeypatch)
    before = {name: w.clone() for name, w in trained.supernet.named_parameters()}
    single = engine(Fixed(PATHS), monkeypatch)
    single.supernet.train()
    x, y = single.train.batch(single.batches[0])
    teacher = single.supernet(x, PATHS[0]).detach()
    losses = [single.task.loss(single.supernet(x, PATHS[0]), y)]
    for arch in PATHS[1:]:
        output = single.supernet(x, arch)
        soft = -(teacher.softmax(1) * output.log_softmax(1)).sum(1).mean()
        losses.append(soft if distils else single.task.loss(output, y))
    torch.stack(losses).sum().backward()  # type: ignore[no-untyped-call]
    noted = trained.advance()["train_loss"]
    assert noted.item() == pytest.approx(torch.stack(losses).mean().item())
    for name, w in single.supernet.named_parameters():
        moved = before[name] - trained.supernet.get_parameter(name)
        torch.testing.assert_close(moved, torch.zeros_like(w) if w.grad is None else w.grad / len(PATHS))


def test_distillation_is_least_at_the_teacher() -> None:
    teacher = torch.randn(4, 3, 5)
    entropy = torch.distributions.Categorical(logits=teacher).entropy().mean()
    torch.testing.assert_close(distillation(teacher, teacher), entropy)
    assert distillation(torch.randn(4, 3, 5), teacher) > entropy


@pytest.mark.parametrize("kind", [tiny.Sampler, FairSampler, SandwichSampler])
def test_training_goes_on_bit_for_bit(kind: type) -> None:
    def fresh(seed: int) -> OneShot:
        torch.manual_seed(seed)
        sampler = kind(seed) if kind is tiny.Sampler else kind(tiny.Arch, seed)
        return OneShot(
            tiny.Supernet(),
            Classification(),
            tiny.blobs().train,
            sampler,
            Options(optimizer="spos", epochs=1),
        )

    first, second = fresh(1), fresh(2)
    for _ in range(2):
        first.advance()
    state = copy.deepcopy(first.state_dict())
    second.load_state_dict(state)
    wanted = [first.advance() for _ in range(3)]
    second.load_state_dict(state)
    assert tiny.same([second.advance() for _ in range(3)], wanted)
