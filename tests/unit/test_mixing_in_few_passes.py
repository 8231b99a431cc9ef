"""What mixing in few passes must not change: precision, dtypes, what may be done to its results."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tanglert import Dim, Space
from tanglert.choices import Mixed
from tanglert.nn import LayerNorm, Linear, RMSNorm

A = Dim("a", [3, 5, 7])
B = Dim("b", [2, 4])
SPACE = Space("s", dims=[A, B], inputs=[], output=("several", ()))
P = {
    "a": torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64),
    "b": torch.tensor([0.6, 0.4], dtype=torch.float64),
}


def mixed() -> Mixed:
    return Mixed(SPACE, P)


@pytest.mark.parametrize("kind", [LayerNorm, RMSNorm])
def test_a_norm_that_was_rounded_once_is_exact_again(kind: type[LayerNorm | RMSNorm]) -> None:
    x = torch.randn(4, 7, dtype=torch.float64)
    norm = kind(A).bfloat16().double()
    loop = kind(A, lowering="loop").double()
    torch.testing.assert_close(norm(x, mixed()), loop(x, mixed()), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", [LayerNorm, RMSNorm])
def test_what_a_norm_gives_may_be_changed_in_place(kind: type[LayerNorm | RMSNorm]) -> None:
    norm, x = kind(A).double(), torch.randn(4, 2, 7, dtype=torch.float64, requires_grad=True)
    (kept,) = torch.autograd.grad(F.relu(norm(x, mixed())).square().sum(), x)
    (changed,) = torch.autograd.grad(F.relu_(norm(x, mixed())).square().sum(), x)
    torch.testing.assert_close(changed, kept)


def test_every_lowering_gives_what_autocast_gives() -> None:
    x = torch.randn(4, 7)
    with torch.autocast("cpu", torch.bfloat16):
        found = {way: Linear(A, B, lowering=way)(x, mixed()).dtype for way in ("mask", "scale", "auto")}
    assert set(found.values()) == {torch.bfloat16}


def test_masks_are_made_once_for_all_that_is_read_alike() -> None:
    at, first, second = mixed(), Linear(A, B).double(), Linear(A, B).double()
    lines = [layer.entanglement("weight").line(0).vector(at) for layer in (first, second)]
    assert lines[0] is lines[1]
    with torch.no_grad():  # what has no graph is not taken where one is wanted
        assert first.entanglement("weight").line(0).vector(at) is not lines[0]
