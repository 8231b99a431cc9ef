"""Choices out of play: probability exactly 0 in every method, never derived, and nothing of theirs runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tanglert import ArchBase, Choose, Depth, Dim, Mixed, RequireError, Space
from tanglert.choices import Known, Probabilities
from tanglert.nn.superpose import sum_over
from tanglert.protocols import Relaxation
from tanglert.relax import GDAS, ArchParameters, Darts, DrNAS, most_probable
from tests import tiny

LABELS = ["none", "skip", "conv_3x3", "conv_5x5"]
OP = Dim("op", LABELS, per="edge", positions=2, forbidden=["none"])
DEPTH = Dim("depth", [1, 2, 3])
SPACE = Space("edges", dims=[OP, DEPTH], inputs=[], output=("vector", (2,)))


class Arch(ArchBase, space=SPACE):
    op: tuple[str, ...]
    depth: int

    def __init__(self, op: tuple[str, ...], depth: int) -> None:
        self.op, self.depth = op, depth

    def allowed(self) -> bool:
        return "none" not in self.op


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def alphas(first: list[float], second: list[float], depth: list[float]) -> ArchParameters:
    result = ArchParameters(SPACE)
    with torch.no_grad():
        result.values["op"].copy_(torch.tensor([first, second]))
        result.values["depth"].copy_(torch.tensor(depth))
    return result


def pruned(count: int) -> ArchParameters:
    result = alphas([3.0, 1.0, 2.0, 0.0], [0.0, 2.0, 1.0, 3.0], [2.0, 1.0, 0.0])
    result.keep_best(count, Darts(result).mean())
    return result


def methods(of: ArchParameters) -> list[Relaxation]:
    return [Darts(of), Darts(of, "sparsemax"), GDAS(of, Arch, seed=1), DrNAS(of, seed=1)]


def test_the_most_probable_choices_of_every_position_stay() -> None:
    two = pruned(2)
    assert two.known.tolist() == [
        [True, False, True, False],
        [False, True, False, True],
        [True, True, False, False],
    ]
    assert {p.index: set(left) for p, left in two.in_play.items() if p.dim == "op"} == {0: {0, 2}, 1: {1, 3}}


def test_a_choice_that_no_architecture_takes_does_not_stay_alone() -> None:
    """`none` is the strongest on the first edge: kept as one of two, it gives way where one is kept."""
    assert pruned(1).known.tolist()[0] == [False, False, True, False]
    assert most_probable(pruned(1), Arch).op == ("conv_3x3", "conv_5x5")


def test_of_equals_the_first_stay_and_what_is_pruned_does_not_come_back() -> None:
    equal = alphas([0.0] * 4, [0.0] * 4, [0.0] * 3)
    equal.keep_best(2, Darts(equal).mean())
    assert equal.known.tolist()[0] == [True, True, False, False]
    with torch.no_grad():
        equal.values["op"][0, 3] = 9.0
    equal.keep_best(3, Darts(equal).mean())
    assert equal.known.tolist()[0] == [True, True, False, False]


def test_nothing_cannot_be_kept() -> None:
    with pytest.raises(ValueError, match="0 are to be kept; it must be 1 at least"):
        pruned(0)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_is_pruned_has_no_probability_in_any_draw(number: int, count: int) -> None:
    of = pruned(count)
    method = methods(of)[number]
    for drawn in [method.mean(), *(method.sample() for _ in range(20))]:
        assert (drawn["op"][~of.known[:2]] == 0).all() and (drawn["depth"][~of.known[2, :3]] == 0).all()
        torch.testing.assert_close(drawn["op"].sum(1), torch.ones(2))
        assert isinstance(drawn, Known) and drawn.in_play == of.in_play
    sum(p.square().sum() for p in method.sample().values()).backward()  # type: ignore[union-attr]
    gradient = of.rows.grad
    assert gradient is not None and (gradient[~of.known] == 0).all() and gradient.isfinite().all()


@pytest.mark.parametrize("regulariser", ["kl", "l2"])
def test_the_penalty_is_that_of_the_choices_in_play(regulariser: Any) -> None:
    of = pruned(2)
    before = DrNAS(of, regulariser=regulariser).penalty()
    with torch.no_grad():
        of.values["op"][~of.known[:2]] += 5
    assert DrNAS(of, regulariser=regulariser).penalty() == before


def test_a_derived_architecture_takes_none_of_them() -> None:
    of = pruned(2)
    with torch.no_grad():
        of.values["op"][0, 1], of.values["depth"][2] = 9.0, 9.0
    arch = most_probable(of, Arch)
    assert arch.op == ("conv_3x3", "conv_5x5") and arch.depth == 1
    with pytest.raises(RequireError, match="with the choices that pruning has left"):
        most_probable(of, Arch, admit=lambda a: "skip" in a.op and a.depth == 3, tries=10)


def test_they_are_part_of_the_state() -> None:
    of, other = pruned(2), ArchParameters(SPACE)
    other.load_state_dict(of.state_dict())
    assert tiny.same(other.known, of.known) and other.in_play == of.in_play
    other.load_state_dict(ArchParameters(SPACE).state_dict())
    assert not other.in_play and other.known.sum() == 11


# --- what runs -------------------------------------------------------------------------------------------------------


class Edge(nn.Module):
    """An edge that writes down which of its arms ran, and at what."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.ran: list[str] = []
        self.index = index
        self.weights = nn.Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0], dtype=torch.float64))

    def forward(self, x: Tensor, at: Mixed) -> Tensor:
        op, position = Choose(OP[self.index], at), OP.positions[self.index]
        self.ran = []
        for label in ("none", "skip"):
            if op.arm(label):
                self.ran.append(label)
                op.add(self.weights[LABELS.index(label)] * x)
        if arm := op.arm("conv_3x3", "conv_5x5"):
            assert isinstance(arm, Mixed)
            self.ran.append("known" if position in arm.fixed else "superposed")
            op.add((arm.probability(position) * self.weights).sum() * x.sin())
        return op.value()


def run(p: Probabilities) -> tuple[Tensor, list[list[str]], list[Tensor]]:
    edges = [Edge(0), Edge(1)]
    at, x = Mixed(SPACE, p), torch.arange(3.0, dtype=torch.float64)
    for edge in edges:
        x = edge(x, at)
    wanted = [*(edge.weights for edge in edges), *p.values()]
    gradients = torch.autograd.grad(x.sum(), wanted, allow_unused=True)
    dense = [torch.zeros_like(w) if g is None else g for w, g in zip(wanted, gradients, strict=True)]
    return x, [edge.ran for edge in edges], dense


def test_pruned_arms_do_not_run_and_are_not_missed() -> None:
    """Value and gradients are those of the mixture that runs every arm at probability 0."""
    of = pruned(2).double()
    p = Darts(of).sample()
    assert isinstance(p, Known)
    value, ran, gradients = run(p)
    everything, all_ran, same = run(dict(p))
    assert ran == [["none", "known"], ["skip", "known"]]
    assert all_ran == [["none", "skip", "superposed"]] * 2
    torch.testing.assert_close(value, everything)
    torch.testing.assert_close(gradients[:2], same[:2])
    for mine, theirs, plays in zip(gradients[2:], same[2:], (of.known[:2], of.known[2, :3]), strict=True):
        torch.testing.assert_close(mine[plays], theirs[plays])


def test_a_group_that_keeps_both_is_superposed() -> None:
    of = alphas([0.0, 0.0, 1.0, 2.0], [0.0, 0.0, 1.0, 2.0], [0.0] * 3).double()
    of.keep_best(2, Darts(of).mean())
    assert run(Darts(of).sample())[1] == [["superposed"]] * 2


def test_layers_beyond_the_largest_depth_left_do_not_run() -> None:
    depth = Depth(DEPTH, Mixed(SPACE, Darts(pruned(2)).sample()), torch.zeros(1))
    layers = nn.ModuleList(nn.Identity() for _ in range(3))
    for i, _ in enumerate(depth.run(layers)):
        depth.add(torch.full((1,), i + 1.0))
    mean = Darts(pruned(2)).mean()["depth"]
    torch.testing.assert_close(depth.value(), (mean * torch.tensor([1.0, 2.0, 3.0])).sum().view(1))
    assert i == 1


def test_sums_leave_them_out() -> None:
    at, seen = Mixed(SPACE, Darts(pruned(2)).sample()), []
    sum_over(DEPTH.positions, at, lambda j: seen.append(j.size(DEPTH)) or torch.zeros(1))
    assert seen == [1, 2]
