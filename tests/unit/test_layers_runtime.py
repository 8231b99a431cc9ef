"""What layers promise beyond the defining sum: statistics, relative positions, tied and sampled weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tanglert import ArchBase, Axis, Dim, Mixed, Probabilities, Sliced, Space, SupernetBase
from tanglert.nn import (
    Attend,
    BatchNorm,
    Conv,
    Depthwise,
    DropPath,
    Embedding,
    Flatten,
    GroupNorm,
    LayerNorm,
    Linear,
    Reduce,
    recalibrate,
)

WIDTH = Dim("width", [4, 2, 6])
KERNEL = Dim("kernel", [1, 3])
STRIDE = Dim("stride", [2, 1], sampled=True)
SPACE = Space("small", dims=[WIDTH, KERNEL, STRIDE], inputs=[], output=("vector", (3,)))


@dataclass(frozen=True)
class Arch(ArchBase, space=SPACE):
    width: int
    kernel: int
    stride: int


class Supernet(SupernetBase):
    space = SPACE

    def __init__(self) -> None:
        super().__init__()
        self.conv = Conv(1, WIDTH, KERNEL, STRIDE, bias=False, gain=False)
        self.norm = BatchNorm(WIDTH)
        self.depthwise = Depthwise(WIDTH, KERNEL, gain=False)
        self.norm_2 = BatchNorm(WIDTH)
        self.linear = Linear(WIDTH, 3)

    def forward(self, image: Tensor, arch: Arch | Probabilities) -> Tensor:
        at = self.choices(arch)
        x = self.norm(self.conv(image, at), at).relu()
        x = self.norm_2(self.depthwise(x, at), at).relu()
        return self.linear(x.mean((2, 3)), at)


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


def supernet() -> Supernet:
    net = Supernet()
    for parameter in net.parameters():
        nn.init.normal_(parameter)
    return net


ARCHS = [Arch(w, k, s) for w in (2, 4, 6) for k in (1, 3) for s in (1, 2)]


@pytest.mark.parametrize("arch", ARCHS, ids=str)
@pytest.mark.parametrize("mode", ["train", "eval", "recalibrated"])
def test_batch_norm_applies_the_gain_of_what_it_normalises(arch: Arch, mode: str) -> None:
    net, image = supernet().train(mode == "train"), torch.randn(4, 1, 5, 5)
    if mode == "recalibrated":
        recalibrate(net, arch, torch.randn(3, 8, 1, 5, 5))
    torch.testing.assert_close(net(image, arch.one_hot()), net(image, arch), rtol=1e-10, atol=1e-12)


def test_recalibration_is_torchs_cumulative_average() -> None:
    net, arch = supernet(), Arch(4, 3, 1)
    batches = torch.randn(3, 8, 1, 5, 5)
    recalibrate(net, arch, batches)
    at = net.choices(arch)
    plain = nn.BatchNorm2d(4, momentum=None)
    with torch.no_grad():
        for batch in batches:
            plain(net.conv(batch, at))
    assert not net.training
    torch.testing.assert_close(net.norm.running_mean[:4], plain.running_mean)
    torch.testing.assert_close(net.norm.running_var[:4], plain.running_var)
    assert net.norm.running_mean[4:].tolist() == [0, 0]
    assert net.norm.num_batches_tracked == 3


def test_statistics_live_until_training_and_travel_with_the_state() -> None:
    net, arch, image = supernet(), Arch(4, 3, 1), torch.randn(4, 1, 5, 5)
    by_batch = net.eval()(image, arch)
    recalibrate(net, arch, torch.randn(2, 8, 1, 5, 5))
    recalibrated = net(image, arch)
    assert not torch.allclose(recalibrated, by_batch)

    other = Supernet().eval()
    other.load_state_dict(net.state_dict())
    torch.testing.assert_close(other(image, arch), recalibrated)

    net.train()
    torch.testing.assert_close(net(image, arch), by_batch)
    torch.testing.assert_close(net.eval()(image, arch), by_batch)


def test_recalibration_needs_a_batch() -> None:
    with pytest.raises(ValueError, match="at least one batch"):
        recalibrate(supernet(), ARCHS[0], [])


def test_the_export_runs_in_plain_torch() -> None:
    net, arch, image = supernet(), Arch(4, 1, 2), torch.randn(4, 1, 5, 5)
    recalibrate(net, arch, torch.randn(2, 8, 1, 5, 5))

    class Plain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 1, 2, bias=False)
            self.norm, self.norm_2 = nn.BatchNorm2d(4), nn.BatchNorm2d(4)
            self.depthwise = nn.Conv2d(4, 4, 1, groups=4)
            self.linear = nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm_2(self.depthwise(self.norm(self.conv(x)).relu())).relu()
            return self.linear(x.mean((2, 3)))

    plain = Plain().eval()
    plain.load_state_dict(net.export(arch, plain.state_dict()))
    torch.testing.assert_close(plain(image), net(image, arch))


def test_a_sampled_kernel_is_cropped_in_a_mixture() -> None:
    kernel = Dim("kernel", [2, 3], sampled=True)
    space = Space("sampled", dims=[kernel], inputs=[], output=("vector", (1,)))
    layer, x = Conv(2, 3, kernel, padding=0), torch.randn(1, 2, 5, 5)
    mixture = layer(x, Mixed(space, {"kernel": torch.tensor([1.0, 0.0])}))
    assert mixture.shape == (1, 3, 4, 4)
    torch.testing.assert_close(mixture, layer(x, Sliced({kernel.positions[0]: 0})))


def autoformer(q: Tensor, k: Tensor, v: Tensor, layer: Attend, r: int, side: int) -> Tensor:
    """AutoFormer's attention with relative positions, pair by pair."""

    def row(a: int, b: int) -> int:
        return max(-r, min(r, b - a)) + r + 1

    length, dim = q.shape[2:]
    keys, values = torch.zeros(length, length, dim), torch.zeros(length, length, dim)
    for i in range(length):
        for j in range(length):
            rows = (
                (0, 0)
                if 0 in (i, j)
                else tuple(
                    row(place(i - 1), place(j - 1)) for place in (lambda t: t // side, lambda t: t % side)
                )
            )
            keys[i, j] = layer.rel_k_v[rows[0]] + layer.rel_k_h[rows[1]]
            values[i, j] = layer.rel_v_v[rows[0]] + layer.rel_v_h[rows[1]]
    logits = (q @ k.mT + torch.einsum("bhid,ijd->bhij", q, keys)) * dim**-0.5
    attention = logits.softmax(-1)
    return attention @ v + torch.einsum("bhij,ijd->bhid", attention, values)


def test_relative_positions_are_autoformers() -> None:
    layer = Attend(WIDTH, 3, relative_position=1, grid=(2, 3), prefix=1)
    x = torch.randn(3, 2, 7, 6, 3)  # q, k, v: (B, L, heads, d)
    q, k, v = (t.transpose(1, 2) for t in x)
    expected = autoformer(q, k, v, layer, 1, 3).transpose(1, 2).flatten(2)
    full = Sliced({WIDTH.positions[0]: 2})
    torch.testing.assert_close(layer(*x.flatten(3), full), expected)
    part = layer(*x[..., :2, :].flatten(3), Sliced({WIDTH.positions[0]: 1}))
    torch.testing.assert_close(part, expected[..., :6])
    with pytest.raises(ValueError, match=r"6 tokens, but relative positions for 7"):
        layer(*x[:, :, :6].flatten(3), full)


@pytest.mark.parametrize("causal", [False, True])
def test_heads_of_a_fixed_dimension_are_computed_once(causal: bool) -> None:
    layer = Attend(WIDTH * 2, 3, kv_heads=WIDTH, causal=causal)
    q, k, v = torch.randn(2, 5, 36), torch.randn(2, 5, 18), torch.randn(2, 5, 18)
    p = torch.tensor([0.2, 0.5, 0.3])
    mixed = layer(q, k, v, Mixed(SPACE, {**ARCHS[0].one_hot(), "width": p}))
    heads = [t.unflatten(-1, (-1, 3)).transpose(1, 2) for t in (q, k, v)]
    wanted = F.scaled_dot_product_attention(*heads, is_causal=causal, enable_gqa=True)
    torch.testing.assert_close(mixed, wanted.transpose(1, 2).flatten(2))
    small = layer(q[..., :12], k[..., :6], v[..., :6], Sliced({WIDTH.positions[0]: 1}))
    torch.testing.assert_close(small, mixed[..., :12])


def test_a_tied_linear_reads_the_embeddings_weight() -> None:
    table, head = Embedding(7, WIDTH), Linear(WIDTH, 7, bias=False, tied=True)
    assert not list(head.parameters())
    x, at = torch.randn(2, 3, 4), Sliced({WIDTH.positions[0]: 0})
    torch.testing.assert_close(head(x, at, table.weight), x @ table.weight[:, :4].t())


def test_a_mixed_layer_norm_does_not_cancel_in_float32() -> None:
    layer = LayerNorm(WIDTH).float()
    x = 1000 + torch.randn(5, 6)
    p = {**ARCHS[0].one_hot(), "width": torch.tensor([0.2, 0.5, 0.3])}
    exact = LayerNorm(WIDTH)(x, Mixed(SPACE, p))
    rounded = layer(x.float(), Mixed(SPACE, p))
    torch.testing.assert_close(rounded.double(), exact, rtol=2e-3, atol=2e-3)


def test_reductions_are_mixtures_of_every_width() -> None:
    x, p = torch.randn(2, 6), torch.tensor([0.2, 0.5, 0.3])
    at = Mixed(SPACE, {**ARCHS[0].one_hot(), "width": p})
    mean = Reduce(WIDTH, lambda part, dim: part.mean(dim))
    wanted = 0.2 * x[:, :4].mean(1) + 0.5 * x[:, :2].mean(1) + 0.3 * x.mean(1)
    torch.testing.assert_close(mean(x, at), wanted)


def test_flattened_tokens_are_one_vector_of_every_width() -> None:
    x, layer = torch.randn(2, 3, 6), Flatten(3, WIDTH)
    arch = Arch(4, 1, 1)
    at = Sliced(arch.indices())
    subnet = layer(x[..., :4], at)
    assert subnet.shape == (2, 12)
    torch.testing.assert_close(layer(x, Mixed(SPACE, arch.one_hot())), F.pad(subnet, (0, 6)))


def test_drop_path_drops_whole_samples_while_training() -> None:
    layer, x = DropPath(0.5), torch.ones(1000, 2, 3)
    y = layer(x)
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert (y.flatten(1).std(1) == 0).all()
    assert layer.eval()(x) is x


def test_layers_start_as_torchs_do() -> None:
    torch.manual_seed(3)
    ours = Linear(WIDTH, 5)
    torch.manual_seed(3)
    torch.testing.assert_close(ours.weight, nn.Linear(6, 5).weight)
    assert {n: tuple(b.shape) for n, b in BatchNorm(WIDTH).state_dict().items()} == {
        n: tuple(b.shape) for n, b in nn.BatchNorm2d(6).state_dict().items()
    }


def test_what_cannot_be_computed_is_refused_when_the_layer_is_made() -> None:
    with pytest.raises(ValueError, match="fixed head dimension and the grid"):
        Attend(2, WIDTH, relative_position=3, grid=(2, 2))
    with pytest.raises(ValueError, match="several segments cannot be cut into groups"):
        Conv(Axis(WIDTH, WIDTH), 4, 1, groups=2)
    with pytest.raises(ValueError, match="either the number of groups or their size"):
        GroupNorm(WIDTH)
