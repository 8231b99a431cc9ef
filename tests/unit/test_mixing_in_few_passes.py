"""What mixing in few passes must not change: precision, dtypes, what may be done to its results."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from tanglert import Dim, Space, choices
from tanglert.choices import Mixed
from tanglert.nn import LayerNorm, Linear, RMSNorm, moments
from tanglert.nn import weighed as products
from tanglert.nn.runs import passes_pay
from tanglert.nn.weighed import weighed

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
def test_wide_runs_of_channels_are_gone_over_one_by_one(kind: type[LayerNorm | RMSNorm]) -> None:
    """Widths whose differences are wide take other passes than narrow ones; both are the defining sum, to the derivatives."""
    wide = Dim("a", [96, 64, 32])
    norm, loop = kind(wide).double(), kind(wide, lowering="loop").double()
    x = torch.randn(5, 96, dtype=torch.float64, requires_grad=True)
    assert passes_pay(norm.lengths, x) and not passes_pay([3, 2, 2], x)
    loop.load_state_dict(norm.state_dict())
    space, p = Space("s", dims=[wide], inputs=[], output=("several", ())), P["a"].clone().requires_grad_()
    ys = [layer(x, Mixed(space, {"a": p})) for layer in (norm, loop)]
    torch.testing.assert_close(*ys, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(
        *(torch.autograd.grad(y.square().sum(), (x, p)) for y in ys), rtol=1e-9, atol=1e-9
    )


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


def test_rows_that_are_masked_alike_are_gone_over_together() -> None:
    """Value and both derivatives are those of a mask for every row."""
    runs, double = [3, 1, 2], {"dtype": torch.float64, "requires_grad": True}
    w, p, q = torch.randn(6, 5, **double), torch.randn(2, 3, **double), torch.randn(2, 5, **double)

    def by_runs(*given: torch.Tensor) -> torch.Tensor:
        return weighed(*given, runs)

    def row_by_row(w: torch.Tensor, p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
        return weighed(w, p.repeat_interleave(torch.tensor(runs), 1), q)

    torch.testing.assert_close(by_runs(w, p, q), row_by_row(w, p, q))
    assert torch.autograd.gradcheck(by_runs, (w, p, q))
    assert torch.autograd.gradgradcheck(by_runs, (w, p, q))
    for wanted in ((w,), (p,), (p, q)):
        found = [torch.autograd.grad(way(w, p, q).square().sum(), wanted) for way in (by_runs, row_by_row)]
        torch.testing.assert_close(*found)


@pytest.mark.parametrize("kind", [LayerNorm, RMSNorm])
def test_what_a_compiler_is_given_is_the_same(
    kind: type[LayerNorm | RMSNorm], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A norm and a joint mask, written out term by term, and as products where the terms are many."""
    norm, layer = kind(A).double(), Linear(A, A * B).double()
    x = torch.randn(4, 7, dtype=torch.float64, requires_grad=True)
    leaves = [x, *norm.parameters(), *layer.parameters()]

    def found() -> list[torch.Tensor]:
        y = layer(norm(x, mixed()), mixed())
        return [y, *torch.autograd.grad(y.square().sum(), leaves)]

    eager = found()
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    for most in (0, 8):
        monkeypatch.setattr(moments, "MOST_TERMS", most)
        monkeypatch.setattr(products, "MOST_TERMS", most)
        torch.testing.assert_close(found(), eager)


def test_large_joint_weights_are_mixed_by_runs() -> None:
    """A weight (out, in) whose rows depend on what its columns depend on, of more than `LARGE` numbers."""
    wide = Dim("a", [192, 320])
    layer, at = (
        Linear(wide, wide * B),
        Mixed(Space("s", dims=[wide, B], inputs=[], output=("several", ())), {**P, "a": P["b"]}),
    )
    masks = layer.entanglement("weight")
    assert masks._runs(layer.weight, at) == [384, 256, 128, 512]
    loop = Linear(wide, wide * B, lowering="loop")
    loop.load_state_dict(layer.state_dict())
    x = torch.randn(2, 320, dtype=torch.float64)
    torch.testing.assert_close(layer.double()(x, at), loop.double()(x, at), rtol=1e-12, atol=1e-12)


def test_what_is_read_several_times_is_scaled_once() -> None:
    """By queries, keys and values: as long as it is the same tensor with the same numbers, read by the same choices."""
    x, at = torch.randn(2, 7, dtype=torch.float64), mixed()
    masks = [Linear(A, B).double().entanglement("weight") for _ in range(2)]
    first, second = (m.scale_read(x, -1, at) for m in masks)
    assert first is second
    arm = at.among(A.positions[0], P["a"].flip(0))
    torch.testing.assert_close(masks[0].scale_read(x, -1, arm), x * masks[0].lines[1].vector(arm))
    with torch.no_grad():
        assert masks[0].scale_read(x, -1, at) is not first
    x.mul_(2)
    torch.testing.assert_close(masks[0].scale_read(x, -1, at), 2 * first)


WIDTHS = Dim("w", lists=[[2, 4], [2, 4, 6], [2, 4]], per="layer")
ROWS = torch.tensor([[0.2, 0.8, 0], [0.5, 0.3, 0.2], [0.9, 0.1, 0]], dtype=torch.float64)


@pytest.mark.parametrize("little", [0, 2**16])
def test_masks_of_all_positions_are_made_in_one_go_where_they_are_small(
    little: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each by itself where they are large. What a position has in an arm is its own in both."""
    monkeypatch.setattr(choices, "LITTLE", little)
    layers = [Linear(2, WIDTHS[i]).double() for i in range(3)]
    rows = ROWS.clone().requires_grad_()
    at = Mixed(Space("s", dims=[WIDTHS], inputs=[], output=("several", ())), {"w": rows})
    assert torch.equal(at.probability(WIDTHS.positions[0]), ROWS[0, :2])

    made = [layer.entanglement("weight").lines[0].vector(at) for layer in layers]
    wanted = ([1, 1, 0.8, 0.8], [1, 1, 0.5, 0.5, 0.2, 0.2], [1, 1, 0.1, 0.1])
    for vector, numbers in zip(made, wanted, strict=True):
        torch.testing.assert_close(vector, torch.tensor(numbers, dtype=torch.float64))
    assert (made[0]._base is not None and made[0]._base is made[2]._base) == bool(little)
    (gradient,) = torch.autograd.grad(made[1].sum() + 2 * made[2].sum(), rows)
    assert gradient.tolist() == [[0, 0, 0], [2, 4, 6], [4, 8, 0]]

    arm = at.among(WIDTHS.positions[2], torch.tensor([0.0, 1], dtype=torch.float64))
    again = [layer.entanglement("weight").lines[0].vector(arm) for layer in layers]
    assert again[2].tolist() == [1, 1, 1, 1]
    torch.testing.assert_close(again[:2], made[:2])
    assert layers[2].entanglement("weight").lines[0].vector(at) is made[2]


def test_probabilities_that_are_first_read_without_a_graph_have_one() -> None:
    """As at a vertex, where choices that were not drawn are evaluated without."""
    rows = ROWS.clone().requires_grad_()
    at = Mixed(Space("s", dims=[WIDTHS], inputs=[], output=("several", ())), {"w": rows})
    with torch.no_grad():
        at.probability(WIDTHS.positions[1])
    (gradient,) = torch.autograd.grad(at.probability(WIDTHS.positions[0])[1], rows)
    assert gradient.nonzero().tolist() == [[0, 1]]


def test_masks_are_made_once_for_all_that_is_read_alike() -> None:
    at, first, second = mixed(), Linear(A, B).double(), Linear(A, B).double()
    lines = [layer.entanglement("weight").lines[0].vector(at) for layer in (first, second)]
    assert lines[0] is lines[1]
    with torch.no_grad():  # what has no graph is not taken where one is wanted
        assert first.entanglement("weight").lines[0].vector(at) is not lines[0]
