"""DARTS: softmax and sparsemax of the parameters, and the second-order step."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tanglert import Dim, Input, Probabilities, Space, SupernetBase
from tanglert.nn import Attend, Linear
from tanglert.relax import ArchParameters, Darts
from tanglert.relax.darts import sparsemax
from tanglert.train.options import OptionsError
from tanglert.train.task import Classification
from tanglert.train.unrolled import unrolled_loss
from tests import tiny

RAGGED = Space(
    "ragged",
    dims=[Dim("op", ["a", "b"]), Dim("width", lists=[[1, 2, 3], [5]], per="stage")],
    inputs=[Input("x", "vector", (2,))],
    output=("vector", (2,)),
)

rows = st.lists(st.floats(-4, 4), min_size=1, max_size=6)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@given(rows)
@settings(deadline=None, max_examples=100)
def test_sparsemax_is_the_nearest_point_of_the_simplex(row: list[float]) -> None:
    """What characterises it: p is on the simplex, and z - p is the same where p > 0 and no more elsewhere."""
    z = torch.tensor([row], dtype=torch.float64)
    p = sparsemax(z)
    assert p.min() >= 0 and p.sum().item() == pytest.approx(1)
    distance = (z - p)[0]
    tau = distance[p[0] > 0]
    assert tau.max() - tau.min() < 1e-9
    assert (distance <= tau.max() + 1e-9).all()


def test_sparsemax_drops_weak_choices_and_what_is_no_choice() -> None:
    z = torch.tensor([[0.5, 0.0, -0.5], [0.0, -torch.inf, 0.0]])
    torch.testing.assert_close(sparsemax(z), torch.tensor([[0.75, 0.25, 0], [0.5, 0, 0.5]]))


def test_sparsemax_has_the_gradient_of_finite_differences() -> None:
    z = torch.tensor([[0.5, 0.1, -0.1, -3.0], [1.0, 0.9, 0.2, 0.15]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(sparsemax, z)


@pytest.mark.parametrize("normalise", ["softmax", "sparsemax"])
@pytest.mark.parametrize("space", [tiny.SPACE, RAGGED])
def test_probabilities_without_noise(space: Space, normalise: Any) -> None:
    relaxation = Darts(ArchParameters(space, scale=0.3), normalise)
    first, mean = relaxation.sample(), relaxation.mean()
    for name, alpha in relaxation.alphas.values.items():
        assert first[name].dtype == alpha.dtype and torch.equal(first[name], mean[name])
        torch.testing.assert_close(first[name].sum(-1), torch.ones(alpha.shape[:-1]))
        (gradient,) = torch.autograd.grad(
            first[name].square().sum(), relaxation.alphas.rows, retain_graph=True
        )
        assert gradient.isfinite().all()
    if space is RAGGED:
        assert first["width"][1].tolist() == [1, 0, 0]


def test_state_brings_back_the_same_probabilities() -> None:
    first, second = Darts(ArchParameters(tiny.SPACE, 1)), Darts(ArchParameters(tiny.SPACE, 2))
    second.load_state_dict(first.state_dict())
    assert tiny.same(first.sample(), second.sample())


HEADS = Dim("heads", [1, 2, 3])


class Attentive(SupernetBase):
    """Tokens (B, 3, 4) to logits (B, 3); attention has a fused kernel, without a second derivative."""

    space = Space("a", dims=[HEADS], inputs=[Input("x", "tokens", (3, 4))], output=("vector", (3,)))

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (Linear(4, HEADS * 2) for _ in range(3))
        self.attend = Attend(HEADS, 2)
        self.last = Linear(HEADS * 2, 3)

    def forward(self, x: Tensor, arch: Probabilities) -> Tensor:
        at = self.choices(arch)
        y = self.attend(self.q(x, at), self.k(x, at), self.v(x, at), at)
        return self.last(y, at).mean(1)


def batch(space: Space) -> tuple[Tensor, Tensor]:
    return torch.randn(8, *space.inputs[0].shape, dtype=torch.float64), torch.randint(3, (8,))


@pytest.mark.parametrize("network", [tiny.Supernet, Attentive])
def test_the_second_order_is_that_of_a_real_step(network: type[SupernetBase]) -> None:
    """Against finite differences, in the alphas, of the validation loss after a real step of SGD."""
    torch.manual_seed(0)
    supernet, task, lr = network().double(), Classification(), 0.3
    train, validation = batch(network.space), batch(network.space)
    relaxation = Darts(ArchParameters(network.space, scale=0.5).double())
    alphas = list(relaxation.alphas.parameters())

    def after_a_step() -> float:
        torch.manual_seed(1)  # the same dropout
        copied, p = copy.deepcopy(supernet), {n: v.detach() for n, v in relaxation.sample().items()}
        optimizer = torch.optim.SGD(copied.parameters(), lr)
        task.loss(copied(train[0], p), train[1]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            return task.loss(copied(validation[0], p), validation[1]).item()

    torch.manual_seed(1)
    loss = unrolled_loss(supernet, task, relaxation.sample(), train, validation, lr)
    gradients = torch.autograd.grad(loss, alphas)
    assert loss.item() == pytest.approx(after_a_step(), rel=1e-9)
    for alpha, gradient in zip(alphas, gradients, strict=True):
        for place in range(alpha.numel()):
            wanted = slope(after_a_step, alpha.view(-1), place)
            assert gradient.view(-1)[place].item() == pytest.approx(wanted, rel=1e-4, abs=1e-8)


def slope(function: Callable[[], float], values: Tensor, place: int, by: float = 1e-5) -> float:
    """The central difference in one of the values."""
    ends = []
    for sign in (1, -2):
        with torch.no_grad():
            values[place] += sign * by
        ends.append(function())
    with torch.no_grad():
        values[place] += by
    return (ends[0] - ends[1]) / (2 * by)


def test_without_a_step_the_second_order_is_the_first() -> None:
    torch.manual_seed(0)
    supernet, task = Attentive().double(), Classification()
    train, validation = batch(Attentive.space), batch(Attentive.space)
    relaxation = Darts(ArchParameters(Attentive.space).double())
    losses = [
        unrolled_loss(supernet, task, relaxation.sample(), train, validation, 0.0),
        task.loss(supernet(validation[0], relaxation.sample()), validation[1]),
    ]
    of_second, of_first = (torch.autograd.grad(loss, relaxation.alphas.rows) for loss in losses)
    torch.testing.assert_close(of_second, of_first)


def test_the_second_order_leaves_the_weights_alone() -> None:
    supernet = tiny.Supernet().double()
    before = {name: w.clone() for name, w in supernet.named_parameters()}
    p = Darts(ArchParameters(tiny.SPACE).double()).sample()
    unrolled_loss(supernet, Classification(), p, batch(tiny.SPACE), batch(tiny.SPACE), 0.5)
    assert all(w.grad is None and torch.equal(w, before[n]) for n, w in supernet.named_parameters())


def test_the_weights_are_put_back_when_the_validation_fails() -> None:
    supernet = tiny.Supernet().double()
    before = {name: w.clone() for name, w in supernet.named_parameters()}
    p = Darts(ArchParameters(tiny.SPACE).double()).sample()
    x, y = batch(tiny.SPACE)
    with pytest.raises(RuntimeError):
        unrolled_loss(supernet, Classification(), p, (x, y), (x[:, :2], y), 0.5)
    assert all(torch.equal(w, before[n]) for n, w in supernet.named_parameters())


class Hard(tiny.Supernet):
    """Ends in an operation that torch differentiates once only."""

    def forward(self, x: Tensor, arch: Any) -> Tensor:
        return torch.nn.functional.hardsigmoid(super().forward(x, arch))


def test_an_operation_without_a_second_derivative_is_told() -> None:
    p = Darts(ArchParameters(tiny.SPACE).double()).sample()
    with pytest.raises(OptionsError, match="torch lacks one of this network .*hardsigmoid.*take order 1"):
        unrolled_loss(Hard().double(), Classification(), p, batch(tiny.SPACE), batch(tiny.SPACE), 0.5)
