"""Every lowering of every layer is the defining sum: values, and gradients of inputs, weights and
probabilities.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from types import ModuleType
from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tanglert import Mixed, choices
from tanglert.nn import layer, runs, superpose
from tests.layers import KINDS, SPACE

THRESHOLDS: list[tuple[ModuleType, str]] = [
    (superpose, "LARGE"),
    (runs, "NARROWEST"),
    (layer, "WORTH_REBUILDING"),
    (choices, "LITTLE"),
]
"""What decides by size which of several ways is taken: all are to be had of small layers."""


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def gradients(y: Tensor, along: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    """Of a projection of the value; none is zero."""
    if not y.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad((y * along).sum(), leaves, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(leaf) if g is None else g for g, leaf in zip(found, leaves)]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**16))
def test_every_lowering_is_the_defining_sum(kind: str, data: st.DataObject, seed: int) -> None:
    case = data.draw(KINDS[kind])
    torch.manual_seed(seed)
    for parameter in case.layer.double().parameters():
        torch.nn.init.normal_(parameter)
    inputs = tuple(x.requires_grad_(x.is_floating_point()) for x in case.inputs())
    logits = [torch.randn(dim.shape, requires_grad=True) for dim in SPACE.dims]
    probabilities = {dim.name: row.softmax(-1) for dim, row in zip(SPACE.dims, logits)}
    at = Mixed(SPACE, probabilities)

    marginals = {p: at.probability(p) for p in case.positions}
    weights = dict(case.layer.named_parameters())
    expected = case.formula(marginals, inputs, weights)
    along = torch.randn_like(expected)
    leaves = [x for x in inputs if x.requires_grad] + list(weights.values()) + logits
    with ExitStack() as patched:
        for module, threshold in THRESHOLDS:
            drawn = data.draw(st.sampled_from([0, getattr(module, threshold)]), threshold)
            patched.enter_context(patch.object(module, threshold, drawn))
        value = case.layer(*inputs, at)
        mine = gradients(value, along, leaves)

    torch.testing.assert_close(value, expected, rtol=1e-9, atol=1e-11)
    pairs = zip(mine, gradients(expected, along, leaves))
    for given_gradient, wanted in pairs:
        torch.testing.assert_close(given_gradient, wanted, rtol=1e-8, atol=1e-9)
