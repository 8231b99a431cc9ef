"""Superposed weights that are made again in the backward pass: the same gradients, and nothing kept."""

from __future__ import annotations

import weakref
from typing import Any

import pytest
import torch
from torch import Tensor

from tanglert.nn.superpose import Entanglement
from tests import exactness
from tests.property.test_spaces import small

torch.set_num_threads(1)
SPACES = ["vit_mini", "conv_macro", "mobilenet_v3", "nb201"]


def prepared(name: str, rebuilds: bool) -> tuple[Any, list[Tensor], dict[str, Tensor]]:
    """A supernet, an input and probabilities that want gradients."""
    space = small(name)
    module, net = exactness.supernet(space)
    net.rebuild_weights(rebuilds)
    arch = module.Sampler(0)()
    torch.manual_seed(1)
    x = exactness.inputs(space, space.architecture(arch))
    p = exactness.random_probabilities(module, module.Sampler(0), 2)
    return net, x, p


@pytest.mark.parametrize("name", SPACES)
def test_values_and_gradients_are_those_of_weights_that_are_kept(name: str) -> None:
    found = []
    for rebuilds in (False, True):
        net, x, p = prepared(name, rebuilds)
        y = net(*x, p)
        found.append([y, *exactness.gradients(y, [*net.parameters(), *p.values()])])
    for kept, rebuilt in zip(*found, strict=True):
        exactness.close(rebuilt, kept, "what is rebuilt")


@pytest.mark.parametrize("rebuilds", [False, True])
def test_a_superposed_weight_is_dropped_after_the_forward_pass(
    rebuilds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[Tensor]] = []
    mix = Entanglement.mix

    def watched(self: Entanglement, weight: Tensor, at: Any) -> Tensor:
        mixed = mix(self, weight, at)
        if weight.dim() > 1 and self.positions:
            made.append(weakref.ref(mixed.untyped_storage()))
        return mixed

    net, x, p = prepared("conv_macro", rebuilds)
    monkeypatch.setattr(Entanglement, "mix", watched)
    y = net(*x, p)
    alive = [storage() is not None for storage in made]
    assert made and any(alive) is not rebuilds
    assert y.requires_grad


def test_second_derivatives_are_the_same() -> None:
    found = []
    for rebuilds in (False, True):
        net, x, p = prepared("conv_macro", rebuilds)
        slopes = torch.autograd.grad(net(*x, p).square().sum(), list(net.parameters()), create_graph=True)
        bent = torch.stack([s.square().sum() for s in slopes]).sum()
        found.append(torch.autograd.grad(bent, list(p.values())))
    for kept, rebuilt in zip(*found, strict=True):
        exactness.close(rebuilt, kept, "the second derivative")


def test_a_weight_that_changes_before_its_backward_pass_is_noticed() -> None:
    net, x, p = prepared("conv_macro", rebuilds=True)
    y = net(*x, p)
    with torch.no_grad():
        for weight in net.parameters():
            weight.mul_(2)
    with pytest.raises(
        RuntimeError, match="changed between the forward pass and its backward pass|modified by an inplace"
    ):
        y.sum().backward()


def test_probabilities_that_change_before_the_backward_pass_are_noticed() -> None:
    net, x, p = prepared("conv_macro", rebuilds=True)
    y = net(*x, {name: row.detach() for name, row in p.items()})
    with torch.no_grad():
        for row in p.values():
            row.mul_(0.5)
    with pytest.raises(RuntimeError, match="changed between the forward pass and its backward pass"):
        y.sum().backward()
