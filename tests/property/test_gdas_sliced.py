"""The step of a straight-through sample: what runs sliced has the loss and the gradients of the whole mixture at its vertex."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tanglec.api import Compiled
from tanglec.library import shipped
from tanglert.choices import ChoiceError, Vertex
from tests import exactness
from tests.property.test_random_spaces import compiled
from tests.property.test_spaces import OWN, small
from tests.random_spaces import spaces

torch.set_num_threads(1)


def vertex(module: ModuleType, arch: Any, seed: int) -> dict[str, Tensor]:
    """A vertex that wants gradients; the edges that a cell keeps are given for odd seeds."""
    hot = arch.one_hot(dtype=torch.float64)
    return {
        name: p if name in module.SPACE.sampled_only or module.SPACE.dim(name).gates else p.requires_grad_()
        for name, p in hot.items()
        if seed % 2 or not module.SPACE.dim(name).gates
    }


def check(space: Compiled, module: ModuleType, net: nn.Module, arch: Any, seed: int) -> None:
    """Values, and gradients of inputs, weights and probabilities, the latter along the simplex."""
    probabilities = vertex(module, arch, seed)
    free = {name: p for name, p in probabilities.items() if p.requires_grad}
    x = exactness.inputs(space, space.architecture(arch))
    read = [t.requires_grad_() for t in x if t.is_floating_point()]
    whole, sliced = net.mix(*x, probabilities), net(*x, Vertex(probabilities))
    exactness.close(sliced, whole, "the value")
    over = [*read, *net.parameters(), *free.values()]
    names = [*("an input" for _ in read), *(name for name, _ in net.named_parameters())]
    first, second = exactness.gradients(sliced, over), exactness.gradients(whole, over)
    for name, a, b in zip(names, first, second, strict=False):
        exactness.close(a, b, f"the gradient of {name}")
    for name, a, b in zip(free, first[len(names) :], second[len(names) :], strict=True):
        positions = module.SPACE.dim(name).positions
        a, b = exactness.centred(a, positions), exactness.centred(b, positions)
        exactness.close(a, b, f"the gradient of the probabilities of {name}")


SLOW = ("autoformer_b", "autoformer_s", "darts_ptb", "language_model")


@pytest.mark.parametrize("name", [*shipped(), *OWN])
def test_of_every_space(name: str) -> None:
    space = small(name)
    module, net = exactness.supernet(space)
    sampler = module.Sampler(seed=1)
    for seed in range(1 if name in SLOW else 2):
        check(space, module, net, sampler(), seed)


@given(spaces(), st.integers(0, 5))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_of_random_spaces(text: str, seed: int) -> None:
    space = compiled(text)
    if space is None:
        return
    module, net = exactness.supernet(space, seed)
    check(space, module, net, module.Sampler(seed)(), seed)


@pytest.mark.parametrize(
    ("name", "nested"),
    [
        ("vit_mini", {"embed", "heads", "ratio"}),
        ("autoformer_t", {"embed", "ratio"}),  # relative positions: heads that are not there have values
        ("mobilenet_v3", {"expand"}),
        ("conv_macro", {"c1", "c2", "c3", "c4"}),
        ("language_model", set()),  # attention is evaluated for each width of a head
        ("nb201", set()),
    ],
)
def test_which_dimensions_run_sliced(name: str, nested: set[str]) -> None:
    assert {dim.name for dim in small(name).load().SPACE.dims if dim.nested} == nested


NET = """space net "A network"
input image: pixels(2, 6, 6)
dim a: 2 | 4
dim b: 2 | 6
dim k: 1 | 3
network:
    x = conv(image, a, kernel=1)
    {lines}
    x = relu(conv(x, b, kernel=1))
    return linear(mean(conv(x, 3, kernel=k)), 3)
"""


@pytest.mark.parametrize(
    ("lines", "nested"),
    [
        ("x = relu(x)", {"a", "b"}),
        ("x = sigmoid(x)", {"b"}),  # a half stands where nothing should
        ("x = batch_norm(sigmoid(x))", {"a", "b"}),  # a norm of channels keeps them apart
        ("x = x * sigmoid(x)", {"a", "b"}),  # zero times a half
        ("x = x + 1", {"b"}),
        ("x = concat(conv(sigmoid(x), b, kernel=1), x)", set()),  # of one axis all or none
        ("x = group_norm(x, groups=2)", {"b"}),  # evaluated for every width
    ],
)
def test_what_a_dimension_needs_to_run_sliced(lines: str, nested: set[str]) -> None:
    space = compiled(NET.format(lines=lines))
    assert space is not None
    assert {dim.name for dim in space.load().SPACE.dims if dim.nested} == nested
    module, net = exactness.supernet(space)
    for arch in (module.Arch(a=a, b=b, k=k) for a in (2, 4) for b in (2, 6) for k in (1, 3)):
        check(space, module, net, arch, 0)


def test_tensors_have_shrunk_where_dimensions_nest() -> None:
    module, net = exactness.supernet(small("vit_mini"))
    arch = module.Arch(embed=48, depth=2, heads=[2, 2], ratio=[2, 2])
    seen: list[int] = []
    net.linear.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[-1]))
    (x,) = exactness.inputs(small("vit_mini"), small("vit_mini").architecture(arch))
    for kind in (dict, Vertex):
        net(x, kind(arch.one_hot(dtype=torch.float64)))
    assert seen == [64, 48]


def test_all_widths_that_contain_the_drawn_one_have_one_gradient() -> None:
    space = compiled(NET.format(lines="x = relu(x)"))
    assert space is not None
    module, net = exactness.supernet(space)
    (x,) = exactness.inputs(space, space.architecture(module.Arch(a=2, b=2, k=1)))
    for arch, differ in (
        (module.Arch(a=2, b=6, k=3), [False, True]),
        (module.Arch(a=4, b=2, k=1), [True, False]),
    ):
        p = vertex(module, arch, 0)
        a, b = torch.autograd.grad(net(x, Vertex(p)).square().sum(), [p["a"], p["b"]])
        assert [not torch.allclose(g[0], g[1]) for g in (a, b)] == differ


def test_a_vertex_is_one_hot() -> None:
    module, net = exactness.supernet(small("vit_mini"))
    p = dict(module.Sampler(seed=0)().one_hot(dtype=torch.float64))
    p["depth"] = torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64)
    with pytest.raises(ChoiceError, match=r"`depth` \(position 0\) is given as a vertex, .* must be one-hot"):
        net(torch.zeros(1, 1, 12, 12, dtype=torch.float64), Vertex(p))
