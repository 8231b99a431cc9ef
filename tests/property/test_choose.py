"""Choices between operations equal rule 4, written plainly in `tests/oracle.py`; finite at every vertex."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tanglert import ChoiceError, Choose, Dim, Input, Mixed, Sliced, Space, kept
from tanglert import where as choice_where
from tanglert.nn import BatchNorm, Conv
from tests import oracle

torch.set_num_threads(1)

LABELS = ["none", "skip", "conv_1", "conv_3"]
OP = Dim("op", LABELS, per="edge", positions=2)
KEEP = Dim("keep", lists=[["0+1", "0+2", "1+2"]], per="node", positions=1, gates=True)
WIDTH = Dim("width", [2, 4])
SPACE = Space(
    "one_edge", dims=[OP, WIDTH, KEEP], inputs=[Input("x", "pixels", (3, 5, 5))], output=("vector", (1,))
)


def mixed(p: Tensor, **others: Tensor) -> Mixed:
    uniform = torch.full((4,), 0.25, dtype=torch.float64)
    return Mixed(SPACE, {"op": torch.stack([p, uniform]), "width": torch.full((2,), 0.5).double(), **others})


class Edge(torch.nn.Module):
    """`none`, `skip`, and two convolutions on one weight, with a batch norm behind them."""

    def __init__(self, inside: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = Conv(3, 3, choice_where(OP[0].eq("conv_1"), 1, 3), bias=False).double()
        self.norm = BatchNorm(3).double()
        self.inside = inside

    def forward(self, x: Tensor, at: Mixed | Sliced) -> Tensor:
        op = Choose(OP[0], at, inside=self.inside)
        if op.arm("none"):
            op.add(torch.zeros_like(x))
        if op.arm("skip"):
            op.add(x)
        if arm := op.arm("conv_1", "conv_3"):
            op.add(self.norm(self.conv(x, arm), arm))
        return op.value()

    def plainly(self, x: Tensor, p: Tensor) -> Tensor:
        def group(inside: Tensor) -> Tensor:
            kernel = inside[2] * self.small() + inside[3] * self.conv.weight
            y = torch.nn.functional.conv2d(x, kernel, padding=1)
            return torch.nn.functional.batch_norm(y, None, None, self.norm.weight, self.norm.bias, True)

        return oracle.choose(p, [([0], lambda _: x * 0), ([1], lambda _: x), ([2, 3], group)])

    def small(self) -> Tensor:
        """The centred 1 x 1 part, zero padded."""
        mask = torch.zeros(3, 3, dtype=torch.float64)
        mask[1, 1] = 1
        weight: Tensor = self.conv.weight  # type: ignore[assignment]
        return weight * mask


@given(st.lists(st.floats(0.01, 1), min_size=4, max_size=4), st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_a_choice_is_the_sum_of_its_arms(raw: list[float], seed: int) -> None:
    torch.manual_seed(seed)
    x = torch.randn(4, 3, 5, 5, dtype=torch.float64)
    edge, p = Edge(), torch.tensor(raw, dtype=torch.float64)
    p = (p / p.sum()).requires_grad_()
    ours, plain = edge(x, mixed(p)), edge.plainly(x, p)
    torch.testing.assert_close(ours, plain, rtol=0, atol=1e-10)
    for leaf in (p, edge.conv.weight):
        a, b = (torch.autograd.grad(y.square().sum(), leaf, retain_graph=True)[0] for y in (ours, plain))
        torch.testing.assert_close(a, b, rtol=0, atol=1e-8)


@pytest.mark.parametrize("label", range(4))
def test_at_a_vertex_it_is_the_arm_and_every_gradient_is_finite(label: int) -> None:
    x = torch.randn(4, 3, 5, 5, dtype=torch.float64)
    edge, p = Edge(), torch.eye(4, dtype=torch.float64)[label].requires_grad_()
    indices = {position: 0 for position in SPACE.positions} | {OP.positions[0]: label}
    value = edge(x, mixed(p))
    torch.testing.assert_close(value, edge(x, Sliced(indices)), rtol=0, atol=1e-12)
    for gradient in torch.autograd.grad(value.square().sum(), [p, edge.conv.weight]):
        assert gradient.isfinite().all()


def test_no_normalisation_swallows_the_probability_of_a_group() -> None:
    """Inside the kernels alone, as the reference has it, a batch norm cancels what the members have in common."""
    x = torch.randn(8, 3, 5, 5, dtype=torch.float64)
    target = torch.randn_like(x)

    def along_the_group(inside: bool) -> float:
        p = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64, requires_grad=True)
        loss = (Edge(inside)(x, mixed(p)) - target).square().sum()
        (gradient,) = torch.autograd.grad(loss, p)
        return float((p[2:] * gradient[2:]).sum().detach().abs())

    assert along_the_group(inside=True) < 0.05 * along_the_group(inside=False)


def test_arms_of_different_width_are_padded_segment_by_segment() -> None:
    p = torch.tensor([0.5, 0.5, 0, 0], dtype=torch.float64)
    op = Choose(OP[0], mixed(p), writes=4)
    if op.arm("none"):
        op.add(torch.ones(1, 2, dtype=torch.float64), 2)
    if op.arm("skip"):
        op.add(torch.ones(1, 4, dtype=torch.float64), 4)
    assert op.value().tolist() == [[1, 1, 0.5, 0.5]]


def test_while_searching_every_edge_is_kept_and_at_an_architecture_those_of_its_choice() -> None:
    sources = [torch.full((1,), 10.0**i) for i in range(3)]

    def run(at: Mixed) -> float:
        edges: list[torch.nn.Module] = [Same(), Same(), Same()]
        return float(kept(KEEP[0], sources, edges, at))

    p = torch.full((4,), 0.25, dtype=torch.float64)
    assert run(mixed(p)) == 111
    assert run(mixed(p, keep=torch.tensor([[0.0, 1, 0]]))) == 101
    with pytest.raises(ChoiceError, match="leave it out, and all edges are kept"):
        mixed(p, keep=torch.tensor([[0.5, 0.5, 0]]))


class Same(torch.nn.Module):
    def forward(self, x: Tensor, at: Mixed) -> Tensor:
        return x
