"""Batch norms that keep running averages while training, as PyTorch's do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from tanglert import ArchBase, Dim, Probabilities, Space, SupernetBase
from tanglert.nn import BatchNorm, recalibrate

WIDTH = Dim("width", [4, 2])
SPACE = Space("small", dims=[WIDTH], inputs=[], output=("pixels", (4, 1, 1)))
SMALL: Probabilities = {"width": torch.tensor([0.0, 1.0], dtype=torch.float64)}
EVEN: Probabilities = {"width": torch.tensor([0.5, 0.5], dtype=torch.float64)}


@dataclass(frozen=True)
class Arch(ArchBase, space=SPACE):
    width: int


class Supernet(SupernetBase):
    space = SPACE

    def __init__(self, lowering: str = "mask") -> None:
        super().__init__()
        self.norm = BatchNorm(WIDTH, track=True, lowering=lowering)

    def forward(self, x: Tensor, arch: Arch | Probabilities) -> Tensor:
        return self.norm(x, self.choices(arch))


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def batch(width: int = 4) -> Tensor:
    return 3 + 2 * torch.randn(8, width, 2, 2)


def test_the_largest_architecture_is_a_batch_norm_of_torch() -> None:
    net, plain, x = Supernet(), nn.BatchNorm2d(4), batch()
    for _ in range(3):
        torch.testing.assert_close(net(x, Arch(4)), plain(x))
    torch.testing.assert_close(net.eval()(x, Arch(4)), plain.eval()(x))


def test_an_architecture_moves_the_averages_of_its_own_channels() -> None:
    net = Supernet()
    net(batch(2), Arch(2))
    assert net.norm.tracked_mean[:2].min() > 0.1
    assert net.norm.tracked_mean[2:].tolist() == [0, 0]


@pytest.mark.parametrize("lowering", ["mask", "loop"])
def test_a_mixture_moves_all_averages_once_for_each_batch(lowering: str) -> None:
    net, x = Supernet(lowering), batch()
    net(x, EVEN)
    torch.testing.assert_close(net.norm.tracked_mean, 0.1 * x.mean((0, 2, 3)))


def test_in_evaluation_mixture_subnet_and_export_use_the_averages() -> None:
    net, arch, x = Supernet(), Arch(2), batch()
    net(x, EVEN)
    net.eval()
    sliced = net(x[:, :2], arch)
    torch.testing.assert_close(net(x, SMALL)[:, :2], sliced)
    plain = nn.ModuleDict({"norm": nn.BatchNorm2d(2)}).eval()
    plain.load_state_dict(net.export(arch, plain.state_dict()))
    torch.testing.assert_close(plain["norm"](x[:, :2]), sliced)


def test_recalibration_comes_first_until_the_network_trains_again() -> None:
    net, arch, x = Supernet(), Arch(2), batch(2)
    net(x, arch)
    tracked = net.eval()(x, arch)
    recalibrate(net, arch, [x])
    recalibrated = net(x, arch)
    assert not torch.allclose(recalibrated, tracked)
    torch.testing.assert_close(net.export(arch)["norm.running_mean"], x.mean((0, 2, 3)))

    net.train()
    other = Supernet()
    other.load_state_dict(net.state_dict())  # of a network in training: the averages count
    torch.testing.assert_close(net.eval()(x, arch), tracked)
    torch.testing.assert_close(other.eval()(x, arch), tracked)


def test_averages_need_a_momentum() -> None:
    with pytest.raises(ValueError, match="needs a momentum"):
        BatchNorm(WIDTH, momentum=None, track=True)
