"""Weights that declare how they are read: transformed kernels, and rules for output channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from tanglert import ArchBase, Dim, Probabilities, Sliced, Space, SupernetBase
from tanglert.nn import BatchNorm, Conv, Depthwise, Linear
from tanglert.nn.reading import interpolated, shuffled

WIDTH = Dim("width", [4, 6, 2])
KERNEL = Dim("kernel", [3, 7, 5])
SPACE = Space("small", dims=[WIDTH, KERNEL], inputs=[], output=("vector", (3,)))


@dataclass(frozen=True)
class Arch(ArchBase, space=SPACE):
    width: int
    kernel: int


class Supernet(SupernetBase):
    space = SPACE

    def __init__(self) -> None:
        super().__init__()
        self.conv = Conv(1, WIDTH, 1, channels="interpolate")
        self.depthwise = Depthwise(WIDTH, KERNEL, transform=True, gain=False)
        self.norm = BatchNorm(WIDTH)
        self.linear = Linear(WIDTH, 3)

    def forward(self, image: Tensor, arch: Arch | Probabilities) -> Tensor:
        at = self.choices(arch)
        x = self.norm(self.depthwise(self.conv(image, at), at), at)
        return self.linear(x.relu().mean((2, 3)), at)


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def at(kernel: int, width: int = 6) -> Sliced:
    return Sliced(Arch(width, kernel).indices())


# --- kernels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_kernels_begin_as_the_centred_part(kernel: int) -> None:
    layer = Depthwise(WIDTH, KERNEL, transform=True)
    start = (7 - kernel) // 2
    centre = layer.weight[:, :, start : start + kernel, start : start + kernel]
    torch.testing.assert_close(layer.block("weight", at(kernel)), centre)


def test_a_smaller_kernel_goes_through_the_sizes_between() -> None:
    layer = Depthwise(WIDTH, KERNEL, transform=True)
    matrices = dict(layer.named_parameters())
    five, three = (matrices[f"entangled.weight.transform.matrices.{k}"] for k in (5, 3))
    nn.init.normal_(five)
    nn.init.normal_(three)
    w5 = (layer.weight[:, 0, 1:6, 1:6].flatten(1) @ five.T).view(6, 1, 5, 5)
    w3 = (w5[:, 0, 1:4, 1:4].flatten(1) @ three.T).view(6, 1, 3, 3)
    torch.testing.assert_close(layer.block("weight", at(5)), w5)
    torch.testing.assert_close(layer.block("weight", at(3)), w3)


def test_one_kernel_size_needs_no_matrix() -> None:
    assert [n for n, _ in Depthwise(WIDTH, 3, transform=True).named_parameters()] == ["weight", "bias"]


def test_matrices_are_learnt_and_no_part_of_the_subnet() -> None:
    net, arch = Supernet(), Arch(4, 3)
    nn.init.normal_(net.get_parameter("depthwise.entangled.weight.transform.matrices.5"))
    assert not [name for name in net.export(arch) if "matrices" in name]

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 1)
            self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4)
            self.norm = nn.BatchNorm2d(4)
            self.linear = nn.Linear(4, 3)

        def forward(self, image: Tensor) -> Tensor:
            x = self.norm(self.depthwise(self.conv(image)))
            return self.linear(x.relu().mean((2, 3)))

    plain, image = Plain(), torch.randn(4, 1, 8, 8)
    plain.load_state_dict(net.export(arch, plain.state_dict()))
    torch.testing.assert_close(plain(image), net(image, arch))
    net(image, arch).sum().backward()
    gradient = net.get_parameter("depthwise.entangled.weight.transform.matrices.3").grad
    assert gradient is not None and gradient.abs().sum() > 0


# --- channels --------------------------------------------------------------------------------------------------------


def test_interpolated_channels_are_averages_of_neighbours() -> None:
    rows = torch.arange(6.0).view(6, 1)
    assert interpolated(rows, 6).flatten().tolist() == [0, 1, 2, 3, 4, 5]
    assert interpolated(rows, 3).flatten().tolist() == [0.5, 2.5, 4.5]
    assert interpolated(rows, 4).flatten().tolist() == [0.5, 1.5, 3.5, 4.5]  # rows 0-1, 1-2, 3-4, 4-5
    assert interpolated(rows.view(6), 2).tolist() == [1, 4]  # a bias


def test_shuffled_channels_are_a_fixed_selection_of_each_width_of_its_own() -> None:
    rows = torch.arange(64).view(64, 1)
    chosen = {width: shuffled(rows, width).flatten().tolist() for width in (16, 32, 64)}
    assert all(len(set(channels)) == width for width, channels in chosen.items())
    assert chosen[16] == shuffled(rows, 16).flatten().tolist()
    assert chosen[32][:16] != chosen[16] and chosen[64][:32] != chosen[32]
    assert chosen[64] != sorted(chosen[64])


@pytest.mark.parametrize("arch", [Arch(w, k) for w in (2, 4, 6) for k in (3, 7)], ids=str)
@pytest.mark.parametrize("rule", ["shuffle", "interpolate"])
def test_a_vertex_of_ruled_channels_is_the_subnet(arch: Arch, rule: str) -> None:
    net, image = Supernet(), torch.randn(4, 1, 8, 8)
    net.conv = Conv(1, WIDTH, KERNEL, channels=rule)  # type: ignore[arg-type]
    torch.testing.assert_close(net(image, arch.one_hot()), net(image, arch), rtol=1e-10, atol=1e-12)


def test_only_sliced_channels_leave_their_gain_to_a_batch_norm() -> None:
    with pytest.raises(ValueError, match="gain of sliced channels"):
        Conv(1, WIDTH, 3, channels="shuffle", gain=False)
