"""A whole supernet: vertex exactness, export, depth, cost."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tanglert import Depth, Dim, Mixed, Sliced, Space, minimum
from tanglert.nn.layer import Layer as EntangledLayer
from tests.handwritten import SPACE, Arch, Sampler, Supernet, count_params, one_hot


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def supernet(seed: int = 0) -> Supernet:
    """With biases and norms that are not at their start, so that they matter."""
    torch.manual_seed(seed)
    net = Supernet()
    for parameter in net.parameters():
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter)
    return net


def gradients(net: Supernet, loss: Tensor) -> dict[str, Tensor]:
    names, weights = zip(*net.named_parameters())
    found = torch.autograd.grad(loss, weights, allow_unused=True)
    return {n: torch.zeros_like(w) if g is None else g for n, w, g in zip(names, weights, found)}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_a_vertex_of_the_mixture_is_the_subnet(seed: int) -> None:
    net, arch, image = supernet(), Sampler(seed)(), torch.randn(2, 1, 28, 28)
    subnet, mixture = net(image, arch), net.mix(image, one_hot(arch))
    torch.testing.assert_close(mixture, subnet, rtol=1e-10, atol=1e-12)
    wanted = gradients(net, subnet.square().sum())
    for name, gradient in gradients(net, mixture.square().sum()).items():
        torch.testing.assert_close(gradient, wanted[name], rtol=1e-8, atol=1e-10, msg=name)


def test_a_random_mixture_is_the_one_of_the_defining_sums() -> None:
    net, image = supernet(), torch.randn(2, 1, 28, 28)
    probabilities = {dim.name: torch.randn(dim.shape).softmax(-1) for dim in SPACE.dims}
    plain = copy.deepcopy(net)
    for module in plain.modules():
        if isinstance(module, EntangledLayer):
            module.lowering = "loop"
    expected = plain.mix(image, probabilities)
    torch.testing.assert_close(net.mix(image, probabilities), expected, rtol=1e-9, atol=1e-12)


def test_every_choice_gets_a_gradient() -> None:
    net, image = supernet(), torch.randn(2, 1, 28, 28)
    logits = {dim.name: torch.zeros(dim.shape, requires_grad=True) for dim in SPACE.dims}
    net.mix(image, {name: row.softmax(-1) for name, row in logits.items()}).square().sum().backward()
    for row in logits.values():
        assert row.grad is not None and (row.grad.abs() > 0).all()


def test_float32_too() -> None:
    net, arch, image = supernet().float(), Sampler(3)(), torch.randn(2, 1, 28, 28, dtype=torch.float32)
    mixture = net.mix(image, arch.one_hot(dtype=torch.float32))
    assert mixture.dtype == torch.float32
    torch.testing.assert_close(mixture, net(image, arch), rtol=1e-4, atol=1e-5)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_export_has_the_subnets_weights(seed: int) -> None:
    net, arch = supernet(), Sampler(seed)()
    keys = [k for k in net.state_dict() if not k.startswith("layers.") or int(k.split(".")[1]) < arch.depth]
    state = net.export(arch, keys)
    assert sum(tensor.numel() for tensor in state.values()) == count_params(arch)
    assert all(tensor.is_contiguous() and not tensor.requires_grad for tensor in state.values())
    with torch.no_grad():
        net.linear.weight.zero_()
    assert state["linear.weight"].abs().sum() > 0  # a copy


def test_export_names_a_weight_that_is_not_there() -> None:
    with pytest.raises(KeyError, match="the supernet of vit_mini has no weight `head.weight`"):
        supernet().export(Sampler(0)(), ["head.weight"])


def test_an_architecture_of_another_space_is_refused() -> None:
    class Other(Supernet):
        space = Space("other", dims=[], inputs=[], output=("vector", (1,)))

    with pytest.raises(TypeError, match="an architecture of space vit_mini in a supernet of other"):
        Other()(torch.randn(1, 1, 28, 28), Sampler(0)())


def test_only_weights_are_in_the_state() -> None:
    names = set(supernet().state_dict())
    assert names == {name for name, _ in supernet().named_parameters()}


COUNT = Dim("count", [0, 3, 1])
LINE = Space("line", dims=[COUNT], inputs=[], output=("vector", (1,)))


def run(at: Mixed | Sliced) -> tuple[tuple[Tensor, ...], int]:
    x, y = torch.tensor(2.0), torch.tensor(1.0)
    depth, iterations = Depth(COUNT, at, x, y), 0
    for layer in depth.run(torch.nn.ModuleList(torch.nn.Identity() for _ in range(3))):
        x, y = layer(x * x), x + y
        depth.add(x, y)
        iterations += 1
    return depth.values(), iterations


def test_depth_mixes_the_outputs_of_every_carried_value() -> None:
    (x, y), iterations = run(Mixed(LINE, {"count": torch.tensor([0.5, 0.2, 0.3])}))
    assert iterations == 3
    assert x.item() == pytest.approx(0.5 * 2 + 0.3 * 4 + 0.2 * 256)
    assert y.item() == pytest.approx(0.5 * 1 + 0.3 * 3 + 0.2 * 23)


def test_choices_of_the_same_depth_add_up() -> None:
    x = torch.tensor(1.0)
    depth = Depth(minimum(COUNT, 1), Mixed(LINE, {"count": torch.tensor([0.5, 0.2, 0.3])}), x)
    for _ in depth.run(torch.nn.ModuleList([torch.nn.Identity()])):
        depth.add(x + 1)
    assert depth.value().item() == pytest.approx(0.5 * 1 + 0.5 * 2)


@pytest.mark.parametrize(("index", "count", "value"), [(0, 0, 2.0), (1, 3, 256.0), (2, 1, 4.0)])
def test_depth_of_an_architecture_runs_no_more_than_it_has(index: int, count: int, value: float) -> None:
    (x, _), iterations = run(Sliced({COUNT.positions[0]: index}))
    assert (x.item(), iterations) == (value, count)


def test_the_supernet_shows_what_its_layers_read_and_write() -> None:
    shown = repr(supernet().layers[0])
    assert "Linear(32 | 48 | 64 by embed[0] -> 32 | 48 | 64 by heads[0])" in shown


def test_arch_of_all_the_largest_has_every_weight() -> None:
    largest = Arch(64, 4, (4, 4, 4, 4), (4, 4, 4, 4))
    assert count_params(largest) == sum(p.numel() for p in supernet().parameters())
