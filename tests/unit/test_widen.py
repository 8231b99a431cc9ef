"""Widening: weights and what was learnt of them, in a supernet of more channels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tanglert.train.widen import WidenError, Widening
from tests import tiny


class Net(nn.Module):
    """Two convolutions with a norm between them."""

    def __init__(self, width: int, kernel: int = 3, bias: bool = False) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, width, kernel, padding="same", bias=bias)
        self.norm = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.second(self.norm(self.first(x)).relu())
        return y


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


def widening(before: nn.Module, after: nn.Module, seed: int = 0) -> Widening:
    return Widening(before.state_dict(), after.state_dict(), torch.Generator().manual_seed(seed))


def test_channels_stay_and_further_ones_are_copies_of_them() -> None:
    small, large = Net(4), Net(6)
    grow = widening(small, large)
    large.load_state_dict(grow.state(small.state_dict()))
    source = grow.copied[4, 6]
    assert source[:4].tolist() == [0, 1, 2, 3] and set(source[4:].tolist()) <= {0, 1, 2, 3}
    assert torch.equal(large.first.weight, small.first.weight[source])
    assert torch.equal(large.second.weight, small.second.weight[:, source])


def test_norm_and_convolutions_copy_the_same_channels() -> None:
    """Every further channel is a channel that there was, up to the last layer, which adds it once more."""
    small, large = Net(4).eval(), Net(7).eval()
    grow = widening(small, large)
    large.load_state_dict(grow.state(small.state_dict()))
    x = torch.randn(2, 3, 5, 5)
    hidden = [net.norm(net.first(x)) for net in (small, large)]
    torch.testing.assert_close(hidden[1], hidden[0][:, grow.copied[4, 7]])


def test_it_is_a_function_of_the_seed() -> None:
    small, large = Net(8), Net(32)
    state = small.state_dict()
    assert tiny.same(widening(small, large, 3).state(state), widening(small, large, 3).state(state))
    assert not tiny.same(widening(small, large, 3).state(state), widening(small, large, 4).state(state))


def test_without_growth_it_is_a_copy() -> None:
    net = Net(4)
    state = widening(net, Net(4)).state(net.state_dict())
    assert tiny.same(state, dict(net.state_dict()))
    assert all(state[k].data_ptr() != v.data_ptr() for k, v in net.state_dict().items())


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_momentum_goes_with_its_weights(kind: str) -> None:
    def optimizer(net: nn.Module, lr: float) -> torch.optim.Optimizer:
        if kind == "sgd":
            return torch.optim.SGD(net.parameters(), lr, momentum=0.9)
        return torch.optim.AdamW(net.parameters(), lr)

    small, large = Net(4), Net(6)
    before, after = optimizer(small, 0.1), optimizer(large, 0.7)
    small.norm.bias.requires_grad_(False)  # a weight of which nothing was learnt
    small(torch.randn(4, 3, 5, 5)).square().mean().backward()
    before.step()
    grow = widening(small, large)
    after.load_state_dict(grow.optimizer(before.state_dict(), large, after))
    for name, weight in large.named_parameters():
        old = before.state.get(small.get_parameter(name), {})
        assert after.state.get(weight, {}).keys() == old.keys()
        for key, value in old.items():
            wanted = grow.tensor(name, value) if isinstance(value, Tensor) else value
            assert tiny.same(after.state[weight][key], wanted)
    assert after.param_groups[0]["lr"] == 0.7
    large(torch.randn(4, 3, 5, 5)).square().mean().backward()
    after.step()


@pytest.mark.parametrize(
    ("after", "message"),
    [
        (
            Net(3),
            r"weight `first.weight` is \(4, 3, 3, 3\) and would become \(3, 3, 3, 3\): it can only grow",
        ),
        (Net(4, kernel=5), r"would become \(4, 3, 5, 5\): kernels stay"),
        (Net(6, bias=True), "has a weight `first.bias` that there was not before"),
        (nn.Conv2d(3, 6, 3), "has no weight `first.weight`"),
    ],
)
def test_what_does_not_only_have_more_channels_is_refused(after: nn.Module, message: str) -> None:
    with pytest.raises(WidenError, match=message):
        widening(Net(4), after)
