"""At one-hot probabilities a layer's mixture is the sliced layer, and zero elsewhere: values and weight
gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tanglert import ArchBase, Mixed, Sliced
from tanglert.nn.superpose import pad, take
from tests.layers import KINDS, SPACE


@dataclass(frozen=True)
class Arch(ArchBase, space=SPACE):
    a: int
    b: int
    c: tuple[int | None, ...]
    k: int


archs = st.builds(
    Arch.from_indices, st.fixed_dictionaries({p: st.integers(0, len(p.choices) - 1) for p in SPACE.positions})
)


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def weight_gradients(layer: nn.Module, loss: torch.Tensor) -> list[torch.Tensor]:
    weights = list(layer.parameters())
    if not weights:
        return []
    found = torch.autograd.grad(loss, weights, allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for g, w in zip(found, weights)]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data(), arch=archs, seed=st.integers(0, 2**16))
def test_a_vertex_of_the_mixture_is_the_subnet(kind: str, data: st.DataObject, arch: Arch, seed: int) -> None:
    case = data.draw(KINDS[kind])
    torch.manual_seed(seed)
    for parameter in case.layer.double().parameters():
        torch.nn.init.normal_(parameter)
    inputs = case.inputs()  # the padding is anything: what reads it must not see it
    at = Sliced(arch.indices())
    sliced = tuple(take(x, *read, at) for x, read in zip(inputs, case.reads)) if case.reads else inputs

    subnet = case.layer(*sliced, at)
    mixture = case.layer(*inputs, Mixed(SPACE, arch.one_hot()))
    if kind == "table" and case.reads:  # a token is prepended to what it is given, padding and all
        mixture = mixture[:, :1] if mixture.shape[1] == 4 else mixture
        subnet = subnet[:, :1] if subnet.shape[1] == 4 else subnet
    if case.writes is None:  # written without gain: the padding is anything
        return
    along, dim = case.writes
    torch.testing.assert_close(mixture, pad(subnet, along, dim, at), rtol=1e-9, atol=1e-11)

    projection = torch.randn_like(mixture)
    wanted = weight_gradients(case.layer, (pad(subnet, along, dim, at) * projection).sum())
    for gradient, expected in zip(weight_gradients(case.layer, (mixture * projection).sum()), wanted):
        torch.testing.assert_close(gradient, expected, rtol=1e-8, atol=1e-10)
